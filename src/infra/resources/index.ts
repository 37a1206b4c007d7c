import type { AnyResourceType } from "../provider/resource-type.ts";
import { controlPlaneNode } from "./control-plane-node.ts";
import { joinedServer } from "./joined-server.ts";
import { localMachine } from "./local-machine.ts";
import { manifest } from "./manifest.ts";
import { preparedServer } from "./prepared-server.ts";
import { settledControlPlane } from "./settled-control-plane.ts";
import { workerNode } from "./worker-node.ts";

/** Every resource type of the provider, in the order in which a stack is made. */
export const resourceTypes: readonly AnyResourceType[] = [
  localMachine,
  preparedServer,
  controlPlaneNode,
  settledControlPlane,
  workerNode,
  joinedServer,
  manifest,
];
