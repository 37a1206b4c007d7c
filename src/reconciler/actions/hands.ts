import { isDeepStrictEqual } from "node:util";
import type { EscalateReason } from "../../failover/decision.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isConflict } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { patchIfUnchanged } from "../../kube/patch.ts";
import type { PowerBoard } from "../bmc/power-board.ts";
import type { Cluster } from "../cluster.ts";
import type { Knowledge } from "../observe/knowledge.ts";
import type { Observation } from "../observe/observe.ts";

const STATUS_TRIES = 5;
const READ_TIMEOUT_MS = 5_000;

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

/**
 * As `patchRead`, for what a controller may report on at the same moment: a new status changes nothing about what was decided.
 *
 * @throws KubeError 409 if more than the status was changed
 */
export async function patchWanted(
  hands: Hands,
  path: string,
  read: LiveObject,
  change: { metadata?: object; [field: string]: unknown },
): Promise<LiveObject> {
  for (let attempt = 1, seen = read; ; attempt++) {
    try {
      return await patchRead(hands, path, seen, change);
    } catch (error) {
      if (!isConflict(error) || attempt >= STATUS_TRIES) throw error;
      const request = { method: "GET", path, timeoutMs: READ_TIMEOUT_MS, signal: hands.signal } as const;
      seen = await hands.client.json<LiveObject>(request);
      if (!isDeepStrictEqual(wantedOf(seen), wantedOf(read))) throw error;
    }
  }
}

function wantedOf({ metadata: { uid, labels, annotations, deletionTimestamp }, spec }: LiveObject): unknown {
  return { uid, labels, annotations, deletionTimestamp, spec };
}
