import { setTimeout as delay } from "node:timers/promises";
import { TandemError } from "../errors.ts";
import type { KubeClient } from "./client.ts";
import type { ObjectReference } from "./discovery.ts";
import { isPassing, KubeError } from "./errors.ts";
import { type KubeObjects, type LiveObject, printReference } from "./objects.ts";
import { watchObject } from "./watch.ts";

/** What a check says about an object: it is as wanted, or not yet and why. `null` means that it does not exist. */
export type Check = (object: LiveObject | null) => { ok: true } | { ok: false; why: string };

export interface WaitOptions {
  deadlineMs: number;
  signal: AbortSignal;
  /** The reason for waiting, each time it changes. */
  onProgress?: (why: string) => void;
}

/**
 * Waits until an object passes a check, by watching it: the answer comes with the change, not with the next poll.
 * A watch that breaks, and an API server that is away, are waited through.
 *
 * @throws TandemError `E_WAIT` with the last reason, when the deadline is over.
 */
export async function waitFor(
  client: KubeClient,
  objects: KubeObjects,
  reference: ObjectReference,
  check: Check,
  { deadlineMs, signal, onProgress }: WaitOptions,
): Promise<LiveObject | null> {
  const limit = AbortSignal.timeout(deadlineMs);
  const both = AbortSignal.any([signal, limit]);
  let why = "it was not read yet";
  const passes = (object: LiveObject | null): boolean => {
    const verdict = check(object);
    if (verdict.ok) return true;
    if (verdict.why !== why) onProgress?.(verdict.why);
    why = verdict.why;
    return false;
  };
  try {
    for (;;) {
      try {
        const object = await objects.get(reference, both);
        if (passes(object)) return object;
        if (object === null) {
          // Nothing to watch: the kind itself may not be served yet.
          await delay(200, undefined, { signal: both });
          continue;
        }
        const path = await objects.path(reference, both);
        for await (const event of watchObject(client, path, object.metadata.resourceVersion ?? "0", both)) {
          const now = event.type === "DELETED" ? null : event.object;
          if (passes(now)) return now;
        }
      } catch (error) {
        const expired = error instanceof KubeError && error.status === 410;
        if (both.aborted || !(expired || isPassing(error))) throw error;
        await delay(250, undefined, { signal: both });
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
    throw new TandemError({
      code: "E_WAIT",
      what: `${printReference(reference)} is not ready after ${Math.round(deadlineMs / 1000)} s`,
      why,
      fix: `look with: kubectl describe ${reference.kind.toLowerCase()} ${reference.name}${reference.namespace ? ` -n ${reference.namespace}` : ""}; then run the same command again`,
      cause: error,
    });
  }
}
