import { z } from "zod";

/**
 * What a field carries besides its type: `description` says what it is, `reason` why its default is what it is. Both go
 * to the JSON Schema (so editors show them) and into the file that `tandem init` writes.
 */
export interface FieldMeta {
  description: string;
  reason?: string;
}

export const label = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/, "use a DNS-1123 label of at most 40 characters, e.g. gpu-a");
/** Names that begin Kubernetes names must begin with a letter; it also keeps groups in the order of the file. */
export const letterLabel = z
  .string()
  .regex(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/, "use a DNS-1035 label of at most 40 characters, e.g. prod");
export const ipv4 = z.ipv4("use an IPv4 address, e.g. 10.0.0.11");
export const port = z.int().min(1).max(65535);
export const cidr = z.cidrv4("use an IPv4 network, e.g. 10.244.0.0/16");
export const text = z.string().min(1);
/** A directory on every server. */
export const absolutePath = z.string().startsWith("/", "use an absolute path that is the same on every server");
