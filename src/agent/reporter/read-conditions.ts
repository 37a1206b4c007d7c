import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { KubeClient } from "../../kube/client.ts";
import { kubeObjects, type LiveObject } from "../../kube/objects.ts";
import { watchObject } from "../../kube/watch.ts";
import { CONDITION_TYPE } from "./condition.ts";

export interface ReadConditionsOptions {
  client: KubeClient;
  node: string;
  /** Where the agent looks for them. */
  file: string;
  signal: AbortSignal;
  onProblem(error: unknown): void;
}

const PAUSE_MS = 2_000;

interface Condition {
  type: string;
  status: string;
  reason?: string;
}

/** Follows the Node and puts the conditions that others wrote into a file, until the signal. Ends only with it. */
export async function readConditions({ client, node, file, signal, onProblem }: ReadConditionsOptions): Promise<void> {
  const objects = kubeObjects(client);
  const reference = { apiVersion: "v1", kind: "Node", name: node };
  let written = "";
  const take = (object: LiveObject | null) => {
    const text = JSON.stringify(othersOf(object));
    if (text === written) return;
    // As a whole or not at all: the agent may read at any moment.
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    written = text;
  };
  while (!signal.aborted) {
    try {
      const object = await objects.get(reference, signal);
      take(object);
      const path = await objects.path(reference, signal);
      for await (const { object: next } of watchObject(client, path, object?.metadata.resourceVersion ?? "0", signal))
        take(next);
    } catch (error) {
      if (!signal.aborted) onProblem(error);
    }
    await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}

function othersOf(object: LiveObject | null): { type: string; status: string; reason: string }[] {
  const { conditions = [] } = (object?.status ?? {}) as { conditions?: Condition[] };
  return conditions
    .filter(({ type }) => type !== CONDITION_TYPE)
    .map(({ type, status, reason = "" }) => ({ type, status, reason }));
}
