import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { TandemError } from "../../errors.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import { stackDir } from "../home.ts";
import type { SshTarget } from "./target.ts";

export interface ServerTarget {
  role: "control-plane" | "gpu";
  gpus: number;
  target: SshTarget;
}

/** The names under which a local stack keeps its key and its machines' host keys, in `stackDir(name)`. */
export const LOCAL_KEY_FILE = "id_ed25519";
export const LOCAL_KNOWN_HOSTS = "known_hosts";

/**
 * How every server of a spec is reached, the control plane first. Touches nothing: the key may not exist yet.
 *
 * @param file the spec's path; relative paths in it are relative to its folder
 * @throws E_NO_SERVERS for a spec that only names an existing cluster
 */
export function targetsOf(spec: ClusterSpec, file: string): ServerTarget[] {
  const { provision } = spec;
  if (provision.kind === "existing") {
    throw new TandemError({
      code: "E_NO_SERVERS",
      what: `${file} gives no way to its servers`,
      why: "provision.kind is existing: somebody else manages the cluster's servers",
      fix: "run this on the servers themselves, or describe them with provision.kind ssh",
    });
  }
  const path = (text: string) =>
    text.startsWith("~/") ? join(homedir(), text.slice(2)) : resolve(dirname(file), text);
  const common =
    provision.kind === "ssh"
      ? {
          user: provision.user,
          port: provision.port,
          identityFile: path(provision.identityFile),
          knownHosts: path(provision.knownHosts),
        }
      : {
          user: "root",
          port: 22,
          identityFile: join(stackDir(spec.name), LOCAL_KEY_FILE),
          knownHosts: join(stackDir(spec.name), LOCAL_KNOWN_HOSTS),
        };
  return [
    ...Object.entries(spec.controlPlane).map(
      ([name, { address }]): ServerTarget => ({ role: "control-plane", gpus: 0, target: { name, address, ...common } }),
    ),
    ...Object.entries(spec.servers).map(
      ([name, { address, gpus }]): ServerTarget => ({ role: "gpu", gpus, target: { name, address, ...common } }),
    ),
  ];
}

/** The control plane's server, which `etcd` and joins go through. */
export function controlPlaneOf(spec: ClusterSpec, file: string): SshTarget {
  const found = targetsOf(spec, file).find(({ role }) => role === "control-plane");
  if (found === undefined) throw new Error("a spec without a control plane passed its schema");
  return found.target;
}
