import { z } from "zod";

const label = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/, "use a DNS-1123 label of at most 40 characters, e.g. gpu-a");
const ipv4 = z.ipv4("use an IPv4 address, e.g. 10.0.0.11");
const port = z.int().min(1).max(65535);
const cidr = z.cidrv4("use an IPv4 network, e.g. 10.244.0.0/16");

export const GPU_KINDS = ["H100-80", "H200-141", "H20-96"] as const;
export const MODEL_PRESETS = [
  "deepseek-v3",
  "deepseek-v3-0324",
  "deepseek-r1",
  "deepseek-r1-0528",
  "deepseek-v3.1",
  "deepseek-r1-0528-awq",
  "deepseek-r1-0528-w4afp8",
] as const;

/** The engine emulator: built on this machine, in no registry. */
export const EMULATOR_IMAGE = "tandem.local/sglang-emulator:dev";

const Bmc = z.strictObject({ address: ipv4, secretFile: z.string().min(1).optional() });
const Server = z.strictObject({
  address: ipv4,
  // Most buy one kind of server; a mixed fleet says so here, and groups must still be of one kind.
  gpu: z.enum(GPU_KINDS).default("H100-80"),
  gpus: z.int().min(1).max(8).default(8),
  bmc: Bmc.optional(),
  failureDomain: z.record(z.string(), z.string()).default({}),
});
const ControlPlane = z.strictObject({ address: ipv4 });

const LocalProvision = z.strictObject({
  kind: z.literal("local"),
  // Rarely used by companies; `up` still checks it against every route of this machine.
  subnet: cidr.default("10.231.0.0/24"),
});
const SshProvision = z.strictObject({
  kind: z.literal("ssh"),
  user: z.string().min(1).default("root"),
  port: port.default(22),
  identityFile: z.string().min(1),
  knownHosts: z.string().min(1),
});
const ExistingProvision = z.strictObject({ kind: z.literal("existing"), kubeconfig: z.string().min(1) });

const Model = z.strictObject({
  preset: z.enum(MODEL_PRESETS),
  weights: z.string().startsWith("/", "use an absolute path that is the same on every server"),
  servedName: z.string().min(1).optional(),
  // 64k covers nearly all chat and code use; the plan says how many such requests fit at once.
  contextLength: z.int().min(1024).default(65536),
});

// What one server gives to its ranks; requests equal limits, so that nothing else can squeeze the engine.
const Resources = z.strictObject({
  // Eight schedulers, tokenizer, detokenizer and NCCL's proxies keep about three cores a GPU busy; facts ask for 32.
  cpu: z.number().positive().default(32),
  // The 8×H100 servers on offer have 1.8 to 2 TiB. 643 GiB of that is the checkpoint: pages that the engine has read
  // count against its limit, and a limit below it turns every reload into a read from disk.
  memoryGiB: z.number().positive().default(960),
  // /dev/shm, inside memoryGiB: NCCL and ZMQ move tensors through it, and the container default of 64 MiB is too small.
  shmGiB: z.number().positive().default(32),
});

const Engine = z.strictObject({
  // The word `emulator` stands for the engine emulator that `tandem` builds for the local cluster.
  image: z
    .string()
    .min(1)
    .overwrite((image) => (image === "emulator" ? EMULATOR_IMAGE : image)),
  layout: z.union([z.literal("auto"), z.string().min(1)]).default("auto"),
  // TP16 gives the shortest time per token for few users, which is what a two-server group serves.
  optimizeFor: z.enum(["latency", "throughput", "context"]).default("latency"),
  memFractionStatic: z.number().gt(0).lt(1).optional(),
  // bf16 is the checkpoint's own; fp8_e4m3 doubles the pool at a small loss of quality.
  kvCacheDtype: z.enum(["bfloat16", "fp8_e4m3"]).default("bfloat16"),
  maxRunningRequests: z.int().positive().optional(),
  redundantExperts: z.int().min(0).default(0),
  // MTP (the NextN layer of the checkpoint): 1.8x at batch 1, at the price of KV; off until it was measured at home.
  speculative: z.boolean().default(false),
  extraArgs: z.array(z.string()).default([]),
  resources: Resources.prefault({}),
});

const Rdma = z.strictObject({
  kind: z.enum(["infiniband", "roce", "none"]),
  devices: z.array(z.string().min(1)).default([]),
  // RoCEv2 GID; InfiniBand has none (facts: SGLang issue #3516).
  gidIndex: z.int().min(0).optional(),
  // Extended resource of an RDMA device plugin; without one the pod mounts /dev/infiniband.
  resource: z.string().min(1).optional(),
});
const Network = z.strictObject({
  interface: z.string().min(1),
  podCidr: cidr.default("10.244.0.0/16"),
  serviceCidr: cidr.default("10.96.0.0/16"),
  rdma: Rdma.default({ kind: "none", devices: [] }),
  ports: z
    .strictObject({
      // Outside NodePort (30000-32767), ephemeral (32768+) and SGLang's probe range (22000-29999).
      http: port.default(8000),
      dist: port.default(20000),
    })
    .prefault({}),
});

const Failover = z.strictObject({
  standby: z.enum(["hot", "spare", "degraded", "none"]).default("hot"),
  mode: z.enum(["automatic", "manual"]).default("automatic"),
  // A group of 16 GPUs meets about three faults a year; two in one hour is a pattern for a human.
  maxPerHour: z.int().min(1).default(2),
  targets: z.record(z.string(), z.number().positive()).default({}),
});
const Gateway = z.strictObject({ address: ipv4, port: port.default(8443), on: z.array(label).min(1).max(2) });

/** The shape of `tandem.yaml`; relations between fields (address clashes, group sizes) are checked in `src/spec`. */
export const ClusterSpecSchema = z.strictObject({
  name: label,
  provision: z.discriminatedUnion("kind", [LocalProvision, SshProvision, ExistingProvision]),
  servers: z.record(label, Server),
  spares: z.array(label).default([]),
  controlPlane: z.record(label, ControlPlane),
  groups: z.record(label, z.array(label).min(1)),
  model: Model,
  engine: Engine,
  network: Network,
  failover: Failover.prefault({}),
  gateway: Gateway.optional(),
  // Real servers hold 690 GB of weights and running users; the local cluster is made to be thrown away.
  protect: z.boolean().default(true),
});

/** A spec with all defaults filled in, checked field by field. */
export type ClusterSpec = z.infer<typeof ClusterSpecSchema>;
/** A spec as a person writes it: fields with a default may be left out. */
export type ClusterSpecInput = z.input<typeof ClusterSpecSchema>;
