import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { replaceFile } from "../../machines/replace-file.ts";
import { initControlPlane, readControlPlane } from "../../machines/server/control-plane.ts";
import { claimServer, foreignBecause } from "../../machines/server/server-owner.ts";
import type { Operation, ResourceType } from "../provider/resource-type.ts";
import { admitOperator } from "./operator-address.ts";
import { ownerOf } from "./own-server.ts";
import { isUnreachable, onServer, progressOf } from "./server-link.ts";
import { Access, isImage, isLocalPath, Node } from "./shapes.ts";

const Inputs = z.strictObject({
  node: Node,
  access: Access,
  machineId: z.string().meta({ description: "Of the prepared server: a control plane does not survive a new system." }),
  endpoint: z.string().meta({ description: "host:port of the API server, for everybody and for good." }),
  certSans: z.array(z.string()),
  dns: z.union([z.enum(["node", "none"]), z.array(z.string())]),
  kubeconfigFile: z.string().meta({ description: "Where the kubeconfig is kept for kubectl, mode 0600." }),
});
type Inputs = z.infer<typeof Inputs>;

interface Outputs {
  kubeconfig: string;
  caHash: string;
}

async function keepKubeconfig(file: string, kubeconfig: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, kubeconfig, 0o600);
}

async function init(inputs: Inputs, operation: Operation, { known }: { known: boolean }): Promise<Outputs> {
  const { node, access, endpoint, certSans, dns, kubeconfigFile } = inputs;
  const made = await onServer({ ...node, access }, async (remote) => {
    await claimServer(remote, await ownerOf(operation, { known }), operation.signal);
    const admitted = await admitOperator(remote, node, operation.signal);
    const config = { ...admitted, controlPlaneEndpoint: endpoint, certSans, dns };
    return initControlPlane(remote, config, progressOf(operation));
  });
  await keepKubeconfig(kubeconfigFile, made.kubeconfig);
  return { kubeconfig: made.kubeconfig, caHash: made.caHash };
}

/** The Kubernetes control plane on a prepared server. The id is the server's name. */
export const controlPlaneNode: ResourceType<Inputs, Outputs> = {
  token: "tandem:index:ControlPlaneNode",
  inputs: Inputs,
  outputs: { kubeconfig: "The administrator's.", caHash: "What joins are pinned to." },
  secrets: ["kubeconfig"],
  replaceOn: ["machineId", "endpoint"],
  quiet: (path) => isLocalPath(path) || isImage(path) || path === "kubeconfigFile" || path.startsWith("certSans"),
  create: async (inputs, operation) => ({
    id: inputs.node.name,
    outputs: await init(inputs, operation, { known: false }),
  }),
  async read({ inputs, outputs }, operation) {
    try {
      const { signal } = operation;
      const found = await onServer({ ...inputs.node, access: inputs.access }, async (remote) => {
        // Another stack's kubeconfig would be kept in the place of ours.
        const foreign = await foreignBecause(remote, await ownerOf(operation, { known: true }), signal);
        return foreign === undefined ? readControlPlane(remote, { signal }) : undefined;
      });
      if (found === undefined) return null;
      await keepKubeconfig(inputs.kubeconfigFile, found.kubeconfig);
      return { inputs, outputs: { kubeconfig: found.kubeconfig, caHash: found.caHash } };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      operation.warn(`${error.what}: ${error.why}; its last known state is kept`);
      return { inputs, outputs: { kubeconfig: outputs.kubeconfig ?? "", caHash: outputs.caHash ?? "" } };
    }
  },
  update: (_existing, inputs, operation) => init(inputs, operation, { known: true }),
  // The server's reset takes it away, with everything else that is ours.
  async remove({ inputs }) {
    await rm(inputs.kubeconfigFile, { force: true });
  },
};
