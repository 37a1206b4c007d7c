import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { loadPlan } from "../../src/cli/load-plan.ts";
import { emulatorManifests } from "../../src/emulator/manifests.ts";
import { kubeClient } from "../../src/kube/client.ts";
import { kubeObjects } from "../../src/kube/objects.ts";
import { stackDir } from "../../src/machines/home.ts";
import { WEIGHTS } from "./foreign-servers.ts";

/** A stack on the nodes of a cluster that somebody else manages. */
export interface ExistingStack {
  /** Writes the spec anew; `more` are further servers, which join as spares. */
  write(more?: Readonly<Record<string, string>>): void;
  tandem(verb: "up" | "down"): Promise<{ exitCode: number; text: string }>;
  /** What the cluster's owner has installed: a device plugin for the (emulated) GPUs. */
  installDevicePlugin(): Promise<void>;
}

/**
 * One server, and a model that fits it, so that a cluster of one GPU node is enough.
 *
 * @param folder gets the spec and the kubeconfig
 */
export function existingStack(
  folder: string,
  name: string,
  {
    kubeconfig,
    node,
    engineImage,
  }: { kubeconfig: string; node: { name: string; address: string }; engineImage: string },
): ExistingStack {
  // What a run that failed has left is of a cluster that is gone.
  rmSync(stackDir(name), { recursive: true, force: true });
  const spec = join(folder, `${name}.yaml`);
  writeFileSync(join(folder, "kubeconfig"), kubeconfig, { mode: 0o600 });
  return {
    write(more = {}) {
      const spares = Object.entries(more).map(([server, address]) => `  ${server}: { address: ${address} }\n`);
      writeFileSync(
        spec,
        `name: ${name}
provision: { kind: existing, kubeconfig: ./kubeconfig }
servers:
  ${node.name}: { address: ${node.address} }
${spares.join("")}spares: [${Object.keys(more).join(", ")}]
controlPlane: {}
groups: { a: [${node.name}] }
model: { preset: deepseek-r1-0528-awq, weights: ${WEIGHTS} }
engine: { image: "${engineImage}", resources: { cpu: 1, memoryGiB: 1, shmGiB: 0.125 } }
network: { interface: eth0 }
failover: { standby: none }
protect: false
`,
      );
    },
    async tandem(verb) {
      const main = join(import.meta.dirname, "../../src/cli/main.ts");
      const options = { cwd: folder, all: true, reject: false, stdin: "ignore" } as const;
      const { exitCode, all } = await execa(process.execPath, [main, verb, spec], options);
      return { exitCode: exitCode ?? -1, text: all };
    },
    async installDevicePlugin() {
      const client = kubeClient(kubeconfig);
      try {
        for (const manifest of emulatorManifests(loadPlan(spec).plan))
          await kubeObjects(client).apply(manifest, { fieldManager: "operator" });
      } finally {
        await client.close();
      }
    },
  };
}
