import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { vi } from "vitest";
import type { Operation } from "../../../src/infra/provider/resource-type.ts";

/** Folders of a server that a script of ours may touch here; each server has its own in their place. */
const OWN = ["/var/lib/tandem", "/etc/kubernetes", "/run/tandem"];
/** What would change the computer that the test runs on: absent on these servers until a test puts it there. */
const DANGEROUS = "apt-get dpkg dpkg-query systemctl kubeadm kubectl ctr nft modprobe iptables-save ip6tables-save";
/** What a test can do without, and which would write outside of those folders. */
const REFUSED = ["/var/lib/kubelet", "/proc/sys", "base64 -d", "/etc/systemd", "/usr/local/bin"];

const SSH = `#!/bin/bash
case " $* " in *" -O exit "*) exit 0 ;; esac
for last; do address=\${before-}; before=$last; done
server=\${SSH_SERVERS:?}/$address
[ -d "$server" ] || { echo "ssh: connect to host $address: Connection refused" >&2; exit 255; }
counts=\${last##*tandem }
script=$(head -c "\${counts% *}"; printf x); script=\${script%x}
printf '%s\\n' "$script" >> "$server/scripts"
case $script in *flock*) for word in ${REFUSED.map((word) => `"${word}"`).join(" ")}; do
  case $script in *"$word"*) echo "not on this computer: $word" >&2; exit 98 ;; esac
done ;; esac
for path in ${OWN.join(" ")}; do script=\${script//"$path"/"$server$path"}; done
PATH=$server/bin:$PATH exec bash -c "$script" < <(head -c "\${counts#* }")
`;

/** A server of a test: a folder in which the scripts run that the resource types send there. */
export interface SshServer {
  address: string;
  /** A file of the server, for example `/etc/kubernetes/pki/ca.crt`. */
  write(path: string, text: string): void;
  /** Undefined where there is none. */
  read(path: string): string | undefined;
  /** Puts a program there, as a bash script. */
  program(name: string, script: string): void;
  /** What was called of the programs that do not work here, in order. */
  calls(): string[];
}

/** Servers by address behind an `ssh` of the test's own, and a TANDEM_HOME for the stacks, all below `root`. */
export function sshServers<Address extends string>(
  root: string,
  addresses: readonly Address[],
): Record<Address, SshServer> {
  const executable = (path: string, script: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  };
  executable(join(root, "bin/ssh"), SSH);
  vi.stubEnv("PATH", `${join(root, "bin")}:${process.env.PATH}`);
  vi.stubEnv("SSH_SERVERS", join(root, "servers"));
  vi.stubEnv("TANDEM_HOME", join(root, "home"));
  const servers = addresses.map((address): [Address, SshServer] => {
    const at = (path: string) => join(root, "servers", address, path);
    const program = (name: string, script: string) => executable(at(`bin/${name}`), `#!/bin/bash\n${script}\n`);
    for (const name of DANGEROUS.split(" ")) program(name, `echo "${name} $*" >> ${at("calls")}; exit 97`);
    mkdirSync(at("run"));
    return [
      address,
      {
        address,
        write: (path, text) => {
          mkdirSync(dirname(at(path)), { recursive: true });
          writeFileSync(at(path), text);
        },
        read: (path) => (existsSync(at(path)) ? readFileSync(at(path), "utf8") : undefined),
        program,
        calls: () => (existsSync(at("calls")) ? readFileSync(at("calls"), "utf8").trim().split("\n") : []),
      },
    ];
  });
  return Object.fromEntries(servers) as Record<Address, SshServer>;
}

/** An operation on a stack's resource, and what it warned of. */
export function operationOf(stack: string): Operation & { warnings: string[] } {
  const warnings: string[] = [];
  return {
    urn: `urn:pulumi:${stack}::tandem::tandem:index:PreparedServer::gpu-a`,
    signal: new AbortController().signal,
    progress: () => {},
    warn: (message) => warnings.push(message),
    warnings,
  };
}

const access = { user: "root", port: 22, identityFile: "/none", knownHosts: "/none" };

/** What the program declares of a server: the inputs of its PreparedServer, ControlPlaneNode and WorkerNode. */
export function inputsOf(name: string, address: string, role: "control-plane" | "gpu") {
  const node = {
    name,
    address,
    role,
    podCidr: "10.212.0.0/16",
    serviceCidr: "10.213.0.0/16",
    kubernetes: { version: "v1.36.3", path: "/none", sha256: "00" },
    images: [],
    firewall: { ports: [], admins: [], sshPort: 22 },
    local: true,
  };
  return {
    prepared: { node, access, expectation: { role, address, gpus: 0, peers: [], ports: [], local: true } },
    controlPlane: (kubeconfigFile: string) => ({
      node,
      access,
      machineId: "m",
      endpoint: `${address}:6443`,
      certSans: [],
      dns: "none" as const,
      kubeconfigFile,
    }),
    worker: (stack: string, leader: { name: string; address: string }, caHash: string) => ({
      node,
      access,
      machineId: "m",
      stack,
      controlPlane: leader,
      endpoint: `${leader.address}:6443`,
      caHash,
      labels: {},
      taints: [],
    }),
  };
}
