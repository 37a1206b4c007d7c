import { z } from "zod";
import { assertFit, preflight } from "../../machines/server/preflight.ts";
import { prepareServer } from "../../machines/server/prepare.ts";
import type { Remote } from "../../machines/server/remote.ts";
import { resetServer } from "../../machines/server/reset.ts";
import { assertOwned, claimServer, foreignBecause } from "../../machines/server/server-owner.ts";
import type { Operation, ResourceType } from "../provider/resource-type.ts";
import { ownerOf } from "./own-server.ts";
import { isUnreachable, onServer, progressOf, warnIfDead } from "./server-link.ts";
import { Access, isLocalPath, Node } from "./shapes.ts";

const Inputs = z.strictObject({
  node: Node,
  access: Access,
  expectation: z.strictObject({
    role: z.enum(["control-plane", "gpu"]),
    address: z.string(),
    gpus: z.int(),
    gpuKind: z.string().optional(),
    peers: z.array(z.string()),
    ports: z.array(z.int()),
    interface: z.string().optional(),
    rdmaDevices: z.array(z.string()).optional(),
    weights: z.strictObject({ path: z.string(), bytes: z.number() }).optional(),
    local: z.boolean().optional(),
  }),
  hostKey: z.string().optional().meta({ description: "Of a local machine: another key is another machine." }),
});
type Inputs = z.infer<typeof Inputs>;

interface Outputs {
  machineId: string;
}

async function prepare(
  remote: Remote,
  inputs: Inputs,
  operation: Operation,
  { known }: { known: boolean },
): Promise<Outputs> {
  await claimServer(remote, await ownerOf(operation, { known }), operation.signal);
  await prepareServer(remote, inputs.node, progressOf(operation));
  return { machineId: await machineId(remote, operation) };
}

async function machineId(remote: Remote, { signal }: Operation): Promise<string> {
  return (await remote.run("cat /etc/machine-id", { step: "read the machine id", signal })).trim();
}

/** A server with container runtime, Kubernetes programs and images: ready to become a node. The id is its name. */
export const preparedServer: ResourceType<Inputs, Outputs> = {
  token: "tandem:index:PreparedServer",
  inputs: Inputs,
  outputs: { machineId: "Of the operating system: another one means that the server was installed anew." },
  secrets: [],
  replaceOn: ["hostKey"],
  // What a server must have is judged before it is touched for the first time.
  quiet: (path) => isLocalPath(path) || path.startsWith("expectation"),
  look: ({ inputs: { node, access } }, operation) => warnIfDead({ ...node, access }, operation),
  async create(inputs, operation) {
    return onServer({ ...inputs.node, access: inputs.access }, async (remote) => {
      await assertOwned(remote, await ownerOf(operation, { known: false }), operation.signal);
      operation.progress("preflight");
      const { gpuKind, rdmaDevices, weights, ...expectation } = inputs.expectation;
      const report = await preflight(
        remote,
        {
          ...expectation,
          ...(gpuKind === undefined ? {} : { gpuKind }),
          ...(rdmaDevices === undefined ? {} : { rdmaDevices }),
          ...(weights === undefined ? {} : { weights }),
        } as Parameters<typeof preflight>[1],
        { signal: operation.signal },
      );
      // Also on a server on which a run of ours was interrupted: what is ours there, the preflight itself tells apart.
      assertFit(report, remote.resume);
      for (const { severity, what, why } of report.findings)
        if (severity === "warning") operation.warn(`${what}: ${why}`);
      return { id: inputs.node.name, outputs: await prepare(remote, inputs, operation, { known: false }) };
    });
  },
  async read({ inputs, outputs }, operation) {
    try {
      return await onServer({ ...inputs.node, access: inputs.access }, async (remote) => {
        const present = await machineId(remote, operation);
        // Installed anew behind our back, or given to another stack: nothing of ours is on it.
        if (outputs.machineId !== undefined && present !== outputs.machineId) return null;
        if (await foreignBecause(remote, await ownerOf(operation, { known: true }), operation.signal)) return null;
        return { inputs, outputs: { machineId: present } };
      });
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      operation.warn(`${error.what}: ${error.why}; its last known state is kept`);
      return { inputs, outputs: { machineId: outputs.machineId ?? "" } };
    }
  },
  update: ({ inputs: { node } }, inputs, operation) =>
    onServer({ ...inputs.node, name: node.name, access: inputs.access }, (remote) =>
      prepare(remote, inputs, operation, { known: true }),
    ),
  async remove({ inputs: { node, access } }, operation) {
    try {
      await onServer({ ...node, access }, async (remote) => {
        await assertOwned(remote, await ownerOf(operation, { known: true }), operation.signal);
        await resetServer(remote, progressOf(operation));
      });
    } catch (error) {
      // A dead server must be removable: it may never come back, and then there is nothing to reset.
      if (!isUnreachable(error)) throw error;
      operation.warn(`${error.what}: ${error.why}; what is ours on ${node.name} was left there`);
    }
  },
};
