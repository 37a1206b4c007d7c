import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stackImages } from "../../src/cli/up/stack-images.ts";
import { stackDir } from "../../src/machines/home.ts";
import { type Engine, ensureEngine } from "../../src/machines/local/engine.ts";
import { createMachine, deleteMachine, listMachines } from "../../src/machines/local/machine.ts";
import { ensureMachineImage } from "../../src/machines/local/machine-image.ts";
import { deleteNetwork, ensureNetwork } from "../../src/machines/local/network.ts";
import type { ControlPlaneConfig } from "../../src/machines/server/kubeadm-config.ts";
import type { NodeConfig } from "../../src/machines/server/node-config.ts";
import { openRemote, type Remote } from "../../src/machines/server/remote.ts";
import type { SshTarget } from "../../src/machines/server/target.ts";
import type { WorkerConfig } from "../../src/machines/server/worker.ts";
import { resolveTools } from "../../src/machines/tools/resolve.ts";

const KUBERNETES = "v1.36.3";
const POD_CIDR = "10.212.0.0/16";
const SERVICE_CIDR = "10.213.0.0/16";

export interface ServerStack {
  engine: Engine;
  network: { subnet: string; gateway: string };
  controlPlane: Remote;
  /** gpu-a, gpu-b, … */
  workers: Remote[];
  controlPlaneConfig: ControlPlaneConfig;
  nodeConfig: (remote: Remote) => NodeConfig;
  workerConfig: (remote: Remote, joined: { endpoint: string; caHash: string }) => WorkerConfig;
  close: () => Promise<void>;
}

/** Bare machines of a stack of its own (one control plane, `workers` GPU servers), and what they are to become. */
export async function startServerStack(name: string, subnet: string, workers: number): Promise<ServerStack> {
  const engine = await ensureEngine();
  const tools = await resolveTools(["kubernetes", "etcd", "coredns", "lws", "pause"]);
  // The same archives as those of `tandem up`, so that one machine image serves both.
  const archives = await stackImages(tools, { local: true });
  const kubernetes = { version: KUBERNETES, path: tools.kubernetes.path };
  const image = await ensureMachineImage(engine, { kubernetes, archives });
  const network = await ensureNetwork(engine, { name, subnet, podCidr: POD_CIDR, serviceCidr: SERVICE_CIDR });
  const folder = stackDir(name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const identityFile = join(folder, "id_ed25519");
  const knownHosts = join(folder, "known_hosts");
  rmSync(identityFile, { force: true });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", identityFile]);
  const authorizedKey = readFileSync(`${identityFile}.pub`, "utf8");
  const names = [
    "cp-1",
    ..."abcdefgh"
      .slice(0, workers)
      .split("")
      .map((letter) => `gpu-${letter}`),
  ];
  await removeMachines(engine, name);
  const machines = await Promise.all(
    names.map((machine, at) =>
      createMachine(engine, {
        stack: name,
        name: machine,
        address: subnet.replace(/\d+\/\d+$/, String(10 + at)),
        role: at === 0 ? "control-plane" : "gpu",
        gpus: at === 0 ? 0 : 8,
        authorizedKey,
        image: image.reference,
      }),
    ),
  );
  writeFileSync(knownHosts, machines.map(({ address, hostKey }) => `${address} ${hostKey}\n`).join(""));
  const [controlPlane, ...rest] = machines.map((machine) => {
    const target: SshTarget = {
      name: machine.name,
      address: machine.address,
      port: 22,
      user: "root",
      identityFile,
      knownHosts,
    };
    return openRemote(target);
  });
  if (controlPlane === undefined) throw new Error("no machine was made");
  const nodeConfig = ({ target }: Remote): NodeConfig => ({
    name: target.name,
    address: target.address,
    role: target.name === "cp-1" ? "control-plane" : "gpu",
    podCidr: POD_CIDR,
    serviceCidr: SERVICE_CIDR,
    kubernetes,
    images: archives.filter(({ reference }) => target.name === "cp-1" || /pause|kube/.test(reference)),
    firewall: { ports: ["8000", "20000-20013"], admins: [], sshPort: 22 },
    local: true,
  });
  return {
    engine,
    network,
    controlPlane,
    workers: rest,
    nodeConfig,
    controlPlaneConfig: {
      ...nodeConfig(controlPlane),
      controlPlaneEndpoint: `${controlPlane.target.address}:6443`,
      certSans: ["api.example.test"],
      dns: "none",
    },
    workerConfig: (remote, { endpoint, caHash }) => ({
      ...nodeConfig(remote),
      stack: name,
      controlPlaneEndpoint: endpoint,
      caHash,
      labels: { "tandem.dev/group": "a" },
      taints: [],
    }),
    close: async () => {
      await Promise.all([controlPlane, ...rest].map((remote) => remote.close()));
      await removeMachines(engine, name);
      await deleteNetwork(engine, name);
      await engine.api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function removeMachines(engine: Engine, stack: string): Promise<void> {
  const machines = await listMachines(engine, stack);
  await Promise.all(machines.map((machine) => deleteMachine(engine, stack, machine.name)));
}
