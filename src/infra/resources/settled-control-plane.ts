import { z } from "zod";
import { settleControlPlane } from "../../machines/server/control-plane.ts";
import type { Operation, ResourceType } from "../provider/resource-type.ts";
import { onServer, progressOf } from "./server-link.ts";
import { Access, isImage, isLocalPath, Node } from "./shapes.ts";

const Inputs = z.strictObject({
  node: Node,
  access: Access,
  caHash: z.string().meta({ description: "Of the cluster: another one begins anew." }),
});
type Inputs = z.infer<typeof Inputs>;

async function settle({ node, access }: Inputs, operation: Operation): Promise<Record<string, never>> {
  await onServer({ ...node, access }, (remote) => settleControlPlane(remote, node, progressOf(operation)));
  return {};
}

/**
 * The control plane's server as a node that runs pods. A resource of its own, so that servers join while its first pods
 * start. The id is the server's name.
 */
export const settledControlPlane: ResourceType<Inputs, Record<string, never>> = {
  token: "tandem:index:SettledControlPlane",
  inputs: Inputs,
  outputs: {},
  secrets: [],
  replaceOn: ["caHash"],
  quiet: (path) => isLocalPath(path) || isImage(path),
  create: async (inputs, operation) => ({ id: inputs.node.name, outputs: await settle(inputs, operation) }),
  // Whether the server is there at all is the business of the two resources below it.
  read: async ({ inputs }) => ({ inputs, outputs: {} }),
  update: (_existing, inputs, operation) => settle(inputs, operation),
  remove: async () => {},
};
