import { z } from "zod";

/** How a server is reached; `SshTarget` without its name and address. */
export const Access = z.strictObject({
  user: z.string(),
  port: z.int(),
  identityFile: z.string(),
  knownHosts: z.string(),
});
export type Access = z.infer<typeof Access>;

const NodeImage = z.strictObject({
  references: z.array(z.string()),
  path: z.string(),
  sha256: z.string(),
});

/** `NodeConfig` of src/machines/server: what one server is to become. */
export const Node = z.strictObject({
  name: z.string(),
  address: z.string(),
  role: z.enum(["control-plane", "gpu"]),
  podCidr: z.string(),
  serviceCidr: z.string(),
  kubernetes: z.strictObject({ version: z.string(), path: z.string(), sha256: z.string() }),
  images: z.array(NodeImage),
  firewall: z.strictObject({ ports: z.array(z.string()), admins: z.array(z.string()), sshPort: z.int() }),
  gateway: z
    .strictObject({
      address: z.string(),
      prefixLength: z.int(),
      interface: z.string(),
      adminPort: z.int(),
      replicas: z.array(z.strictObject({ name: z.string(), address: z.string() })),
    })
    .exactOptional(),
  local: z.boolean(),
});
export type Node = z.infer<typeof Node>;

/** Images are the prepared server's: whether it is a node of the cluster does not hang on them. */
export function isImage(path: string): boolean {
  return path.startsWith("node.images");
}

/** Where files lie on the operator's computer is no property of a server: another path alone changes nothing. */
export function isLocalPath(path: string): boolean {
  return path.startsWith("access.") || path === "node.kubernetes.path" || /^node\.images\[\d+\]\.path$/.test(path);
}
