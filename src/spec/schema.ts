import { z } from "zod";
import { cidr, ipv4, label, letterLabel, port, text } from "./fields.ts";
import { REMEDIES } from "./remedies.ts";
import { Degraded, Engine, Model } from "./schema-engine.ts";
import { ControlPlane, Provision, Servers } from "./schema-servers.ts";

export { EMULATOR_IMAGE, MODEL_PRESETS } from "./schema-engine.ts";
export { GPU_KINDS } from "./schema-servers.ts";

const Rdma = z.strictObject({
  kind: z.enum(["infiniband", "roce", "none"]).meta({ description: "Fabric between the servers of a group." }),
  devices: z.array(text).default([]).meta({
    description: "Devices in the order of the GPUs, e.g. [mlx5_0, mlx5_1]; see `ibdev2netdev`.",
    reason: "without RDMA there are none; with it the exact list is needed, or NCCL also takes the storage network",
  }),
  gidIndex: z.int().min(0).optional().meta({ description: "GID of RoCEv2 (`show_gids`); InfiniBand has none." }),
  resource: text.optional().meta({
    description: "Extended resource of an RDMA device plugin, which hands /dev/infiniband to the engine.",
  }),
  privileged: z.boolean().optional().meta({
    description:
      "Without a device plugin: run the engine privileged, the only other way to open /dev/infiniband. It may then do anything on its server; left out, it is not.",
  }),
});

const Ports = z.strictObject({
  http: port.default(8000).meta({
    description: "HTTP port of every rank, on the host's network.",
    reason: "outside NodePorts (30000-32767) and the ephemeral range (32768+)",
  }),
  dist: port.default(20000).meta({
    description: "Rendezvous port P on the first rank's host; P to P+13 are used.",
    reason: "outside NodePorts, the ephemeral range and the range that SGLang probes (22000-29999)",
  }),
});

const Network = z.strictObject({
  interface: text.meta({ description: "Interface with the servers' addresses; the same name on every server." }),
  podCidr: cidr.default("10.244.0.0/16").meta({
    description: "Addresses of pods.",
    reason: "the usual one; a clash with a server or another network of the spec is refused",
  }),
  serviceCidr: cidr.default("10.96.0.0/16").meta({
    description: "Addresses of Services.",
    reason: "kubeadm's own start, cut to /16",
  }),
  rdma: Rdma.default({ kind: "none", devices: [] }).meta({
    description: "RDMA between servers.",
    reason: "plain TCP works everywhere; a guessed device name does not start",
  }),
  ports: Ports.prefault({}).meta({ description: "Fixed ports of the engine." }),
});

const Failover = z.strictObject({
  standby: z.enum(["hot", "spare", "degraded", "none"]).default("hot").meta({
    description:
      "hot: a second loaded group. spare: a prepared server replaces the dead one. degraded: one surviving server serves a 4-bit build. none: repair first.",
    reason: "the only one that carries running streams on",
  }),
  degraded: Degraded.optional().meta({ description: "The build for `standby: degraded`." }),
  mode: z.enum(["automatic", "manual"]).default("automatic").meta({
    description:
      "Who acts on a fault. Gateways move traffic off a group that does not serve in both modes, and the reconciler follows them. manual: it isolates, fences and rebuilds nothing by itself, but says what it would do and waits for `tandem failover`.",
    reason: "a dead GPU at night must not wait for a person",
  }),
  maxPerHour: z.int().min(1).default(2).meta({
    description: "Failovers per hour before automation stops and says so.",
    reason: "16 GPUs meet about three faults a year; two in one hour is a pattern for a person",
  }),
  targets: z.record(z.string(), z.number().positive()).default({}).meta({
    description: "Wanted seconds per failure class; `plan` says where its chain of time-outs is longer.",
    reason: "the plan's own budgets apply",
  }),
  xids: z
    .record(z.string().regex(/^[1-9]\d{0,4}$/, "not the number of an XID or SXid"), z.enum(REMEDIES))
    .default({})
    .meta({
      description:
        "What to do about single error codes of GPUs (XID) and of NVSwitches (SXid, five digits), e.g. {94: failover-reset, 20034: failover-support}; see `tandem explain xid 94` and `tandem explain sxid 20034`.",
      reason: "every code of NVIDIA's catalog, and of its guide for NVSwitches, has a class with a reason",
    }),
  webhook: z
    .strictObject({
      secret: label.meta({
        description:
          "Secret in the stack's namespace with the key `url` and, where wanted, `authorization` (the header's value). You make it; no address of a pager is ever part of a spec.",
      }),
    })
    .optional()
    .meta({ description: "Where a person is called when the automation can do no more (docs/operations.md)." }),
});

const Gateway = z.strictObject({
  address: ipv4.meta({ description: "Address that clients use; it moves between the replicas." }),
  port: port.default(8443).meta({ description: "Port that clients use.", reason: "8000 belongs to the engine" }),
  on: z.array(label).min(1).max(2).meta({
    description: "Where the one or two replicas run; never both on the servers of one group.",
  }),
  tls: z
    .strictObject({
      secret: label.meta({
        description:
          "Secret of type kubernetes.io/tls in the stack's namespace, as cert-manager writes it. You make it; a renewed pair is used within seconds, without a restart.",
      }),
    })
    .optional()
    .meta({ description: "Clients come over TLS. Without it the network carries prompts and API keys in clear." }),
  warmStandby: z.boolean().default(true).meta({
    description: "The standby reads running answers meanwhile, so that its prefix cache has them when it takes over.",
    reason: "an idle standby has time for it; without it a failover waits until every prompt is read again",
  }),
});

/** The shape of `tandem.yaml`; relations between fields (address clashes, group sizes) are checked in `src/spec/rules`. */
export const ClusterSpecSchema = z
  .strictObject({
    name: letterLabel.meta({ description: "Name of the stack; it becomes part of Kubernetes names." }),
    provision: Provision.meta({ description: "How servers become a cluster." }),
    servers: Servers.meta({ description: "GPU servers by name." }),
    spares: z.array(label).default([]).meta({
      description: "Servers that are prepared and in no group.",
      reason: "a hot standby needs none",
    }),
    controlPlane: ControlPlane.meta({ description: "Control-plane server by name; no GPUs needed." }),
    groups: z.record(letterLabel, z.array(label).min(1)).meta({
      description: "Servers that together run one engine. The first group starts as active, the second as standby.",
    }),
    model: Model.meta({ description: "What is served." }),
    engine: Engine.meta({ description: "How SGLang runs it." }),
    network: Network.meta({ description: "What joins the servers." }),
    failover: Failover.prefault({}).meta({ description: "What happens when a server dies." }),
    gateway: Gateway.optional().meta({ description: "The OpenAI-compatible entry that fails over." }),
    protect: z.boolean().default(true).meta({
      description: "`down` refuses to destroy the stack until this is false.",
      reason: "real servers hold 690 GB of weights and running users; the local cluster is made to be thrown away",
    }),
  })
  .meta({ title: "Tandem spec", description: "One DeepSeek deployment on GPU servers." });

/** A spec with all defaults filled in, checked field by field. */
export type ClusterSpec = z.infer<typeof ClusterSpecSchema>;
/** A spec as a person writes it: fields with a default may be left out. */
export type ClusterSpecInput = z.input<typeof ClusterSpecSchema>;
