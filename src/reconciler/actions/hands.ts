import type { EscalateReason } from "../../failover/decision.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { patchIfUnchanged } from "../../kube/patch.ts";
import type { PowerBoard } from "../bmc/power-board.ts";
import type { Cluster } from "../cluster.ts";
import type { Knowledge } from "../observe/knowledge.ts";
import type { Observation } from "../observe/observe.ts";

export const FIELD_MANAGER = "tandem-reconciler";

/** What actions work with. */
export interface Hands {
  client: KubeClient;
  namespace: string;
  paths: Cluster["paths"];
  power: PowerBoard;
  /** @throws NotLeader when the lease may have passed to another replica; asked right before what cannot be refused later */
  assertLeader(): void;
  signal: AbortSignal;
}

/** What an action was decided on: a fresh read. Its resource versions are the conditions of the action's writes. */
export interface Decided {
  knowledge: Knowledge;
  observation: Observation;
  /** The decision in words. */
  reason: string;
}

/**
 * `done`: the step was taken. `waiting`: nothing to do before something else happens. `blocked`: a person must do something
 * that the decision did not know of.
 */
export type Outcome =
  | { kind: "done"; detail: string }
  | { kind: "waiting"; detail: string }
  | { kind: "blocked"; reason: EscalateReason; detail: string; fix: string };

export const done = (detail: string): Outcome => ({ kind: "done", detail });
export const waiting = (detail: string): Outcome => ({ kind: "waiting", detail });

export class NotLeader extends Error {
  constructor() {
    super("the lease may have passed to another replica");
    this.name = "NotLeader";
  }
}

/** Changes an object that was read, under the reconciler's name, unless it has changed or the lease has passed. */
export async function patchRead(
  { client, signal, assertLeader }: Hands,
  path: string,
  read: LiveObject,
  change: { metadata?: object; [field: string]: unknown },
  subresource?: "status",
): Promise<LiveObject> {
  assertLeader();
  const options = { fieldManager: FIELD_MANAGER, signal, ...(subresource === undefined ? {} : { subresource }) };
  return patchIfUnchanged(client, path, read, change, options);
}
