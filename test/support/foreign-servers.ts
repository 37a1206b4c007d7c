import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { stackImages } from "../../src/cli/up/stack-images.ts";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { createMachine, deleteMachine, listMachines } from "../../src/machines/local/machine.ts";
import { ensureMachineImage } from "../../src/machines/local/machine-image.ts";
import { deleteNetwork, ensureNetwork } from "../../src/machines/local/network.ts";
import { openRemote, type Remote } from "../../src/machines/server/remote.ts";
import { resolveTools } from "../../src/machines/tools/resolve.ts";
import { EMULATOR_IMAGE } from "../../src/spec/schema-engine.ts";

/** The engine under a name with a digest, as real stacks have it. */
const ENGINE_NAME = "registry.example/sglang";
export const WEIGHTS = "/var/lib/models/deepseek-v3";

/** Servers that somebody else owns: no stack of ours made them, and they are known by address, key and host keys alone. */
export interface ForeignServers {
  engine: Awaited<ReturnType<typeof ensureEngine>>;
  /** Name of the network and of the containers' stack. */
  owner: string;
  /** A folder for a spec; holds `id`, the key that opens the servers, and `known_hosts`. */
  folder: string;
  /** `registry.example/sglang@sha256:…`, which every server has. */
  engineImage: string;
  remotes: Record<string, Remote>;
  knownHosts: string;
  /** Runs `tandem` in that folder; `onLine` sees each line as it comes. */
  tandem(args: string[], onLine?: (line: string) => void): Promise<{ exitCode: number; text: string }>;
  end(): Promise<void>;
}

/**
 * A disk as large as a spec for real servers asks for, and NVIDIA's container runtime, which on a server without GPUs is
 * the plain one. The disk is in memory and holds what is written on it.
 */
const FURNISH = `
cp -a /var/lib /run/var-lib
systemctl stop containerd
mount -t tmpfs -o size=900g,mode=755 /dev/nvme0n1 /var/lib
cp -a /run/var-lib/. /var/lib/
rm -r /run/var-lib
systemctl start containerd
printf '#!/bin/sh\\nexec runc "$@"\\n' > /usr/local/bin/nvidia-container-runtime
chmod 755 /usr/local/bin/nvidia-container-runtime
for i in {1..50}; do ctr version > /dev/null 2>&1 && break; sleep 0.1; done`;

const TAG = `
mkdir -p "$weights"
digest=$(ctr -n k8s.io images list "name==$image" | awk 'NR == 2 { print $3 }')
ctr -n k8s.io images tag "$image" "$name@$digest" > /dev/null
echo "$name@$digest"`;

/** Gives a server the engine as from a registry, and a folder for the weights; answers the image's name. */
export async function provideEngine(remote: Remote): Promise<string> {
  const values = { weights: WEIGHTS, image: EMULATOR_IMAGE, name: ENGINE_NAME };
  return (await remote.run(TAG, { values })).trim();
}

/** Makes the servers, at the addresses .10, .11, … of the subnet. */
export async function foreignServers(
  owner: string,
  subnet: string,
  names: readonly string[],
  pods: { podCidr: string; serviceCidr: string },
): Promise<ForeignServers> {
  const engine = await ensureEngine();
  const tools = await resolveTools(["kubernetes", "etcd", "coredns", "lws", "pause"]);
  const archives = await stackImages(tools, { local: true });
  const kubernetes = { version: "v1.36.3", path: tools.kubernetes.path };
  const { reference: image } = await ensureMachineImage(engine, { kubernetes, archives });
  await removeMachines(engine, owner);
  await ensureNetwork(engine, { name: owner, subnet, ...pods });
  const folder = mkdtempSync(join(tmpdir(), `tandem-${owner}-`));
  mkdirSync(folder, { recursive: true });
  const identityFile = join(folder, "id");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", identityFile]);
  const authorizedKey = readFileSync(`${identityFile}.pub`, "utf8");
  const machines = await Promise.all(
    names.map((name, at) => {
      const address = subnet.replace(/\d+\/\d+$/, String(10 + at));
      const kind = name.startsWith("cp")
        ? ({ role: "control-plane", gpus: 0 } as const)
        : ({ role: "gpu", gpus: 8 } as const);
      return createMachine(engine, { stack: owner, name, address, ...kind, authorizedKey, image });
    }),
  );
  const knownHosts = join(folder, "known_hosts");
  writeFileSync(knownHosts, machines.map(({ address, hostKey }) => `${address} ${hostKey}\n`).join(""));
  const access = { port: 22, user: "root", identityFile, knownHosts };
  const remotes = Object.fromEntries(
    machines.map(({ name, address }) => [name, openRemote({ name, address, ...access })] as const),
  );
  const furnished = async (remote: Remote) => {
    await remote.run(FURNISH);
    return provideEngine(remote);
  };
  const [engineImage = ""] = await Promise.all(Object.values(remotes).map(furnished));
  return {
    engine,
    owner,
    folder,
    engineImage,
    remotes,
    knownHosts,
    async tandem(args, onLine) {
      const main = join(import.meta.dirname, "../../src/cli/main.ts");
      const options = { cwd: folder, all: true, reject: false, stdin: "ignore" } as const;
      const child = execa(process.execPath, [main, ...args], options);
      if (onLine) for await (const line of child.iterable({ from: "all" })) onLine(String(line));
      const { exitCode, all } = await child;
      return { exitCode: exitCode ?? -1, text: all };
    },
    async end() {
      await Promise.all(Object.values(remotes).map((remote) => remote.close()));
      await removeMachines(engine, owner);
      await deleteNetwork(engine, owner);
      await engine.api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function removeMachines(engine: ForeignServers["engine"], owner: string): Promise<void> {
  const machines = await listMachines(engine, owner);
  await Promise.all(machines.map(({ name }) => deleteMachine(engine, owner, name)));
}
