import { z } from "zod";
import { cidr, ipv4, label, port, text } from "./fields.ts";

export const GPU_KINDS = ["H100-80", "H200-141", "H20-96", "H20-141", "H100-NVL-94", "A100-80", "B200-180"] as const;

const Bmc = z.strictObject({
  address: ipv4.meta({
    description: "Address of the Redfish service; on a local machine of one that is emulated, in provision.subnet.",
  }),
  secretFile: text
    .optional()
    .meta({ description: "File with `user:password` for Redfish, readable by its owner only." }),
  caFile: text.optional().meta({ description: "File with the certificate in PEM that signed the BMC's own." }),
  fingerprint: z
    .string()
    .regex(
      /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i,
      "use what `openssl x509 -noout -fingerprint -sha256` prints after the =",
    )
    .optional()
    .meta({ description: "SHA-256 of the BMC's own certificate, for one that nobody signed." }),
});

export const Servers = z.record(
  label,
  z.strictObject({
    address: ipv4.meta({ description: "Address of the server on the network that joins the servers." }),
    gpu: z.enum(GPU_KINDS).default("H100-80").meta({
      description: "Kind of GPU.",
      reason: "most buy 8×H100; a mixed fleet says so server by server, and each group is still of one kind",
    }),
    gpus: z.int().min(1).max(8).default(8).meta({
      description: "Number of GPUs.",
      reason: "an HGX board carries eight",
    }),
    bmc: Bmc.optional().meta({
      description: "Management controller. With it a silent server can be proven off (fenced); without it never.",
    }),
    failureDomain: z.record(z.string(), z.string()).default({}).meta({
      description: "What the server shares with others and can lose with them, e.g. {rack: r1, pdu: p1}.",
      reason: "only you know the racks; without it nothing is warned about",
    }),
  }),
);

export const ControlPlane = z.record(
  label,
  z.strictObject({ address: ipv4.meta({ description: "Address of the control-plane server." }) }),
);

const Local = z.strictObject({
  kind: z.literal("local").meta({ description: "Containers on this machine that behave like servers." }),
  subnet: cidr.default("10.231.0.0/24").meta({
    description: "Network of the local machines; all addresses of the spec lie in it.",
    reason: "companies rarely use it; `up` still checks it against every route of this machine",
  }),
});
const Ssh = z.strictObject({
  kind: z.literal("ssh").meta({ description: "Real servers, prepared over SSH." }),
  user: text.default("root").meta({
    description: "Who logs in; needs root or sudo without a password.",
    reason: "preparing a server changes kernel modules, packages and system services",
  }),
  port: port.default(22).meta({ description: "Port of sshd.", reason: "the standard port" }),
  identityFile: text.meta({ description: "Private key. `~` is the home directory; else relative to the spec." }),
  knownHosts: text.meta({ description: "Host keys of the servers. An unknown or changed key is refused." }),
  devicePlugin: text.optional().meta({
    description:
      "Image of NVIDIA's device plugin, by digest; left out, NVIDIA's v0.20.0. `none`: something else (GPU Operator) does it.",
  }),
});
const Existing = z.strictObject({
  kind: z.literal("existing").meta({ description: "A Kubernetes cluster that is there already." }),
  kubeconfig: text.meta({ description: "Its kubeconfig. `~` is the home directory; else relative to the spec." }),
});

export const Provision = z.discriminatedUnion("kind", [Local, Ssh, Existing]);
