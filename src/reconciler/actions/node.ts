import type { LiveObject } from "../../kube/objects.ts";
import { QUARANTINE, type QuarantineRecord } from "../../manifests/model-service/resource.ts";
import { taintsOf } from "../observe/observe-server.ts";
import { quarantineOf } from "../observe/records.ts";
import { type Decided, type Hands, patchRead } from "./hands.ts";

export interface NodeChange {
  labels?: Record<string, string | null>;
  annotations?: Record<string, string | null>;
  /** Taints to put on, by key; null takes them off. */
  taints?: Record<string, { value?: string; effect: string } | null>;
  unschedulable?: boolean;
}

/** The node of a server as it was read; without one there is nothing to act on. */
export function nodeOf({ knowledge }: Decided, server: string): LiveObject {
  const node = knowledge.cluster.nodes.get(server);
  if (node === undefined) throw new Error(`${server} has no node in the cluster`);
  return node;
}

export function recordOf(decided: Decided, server: string): QuarantineRecord {
  const record = quarantineOf(nodeOf(decided, server));
  if (record === null) throw new Error(`${server} is not in quarantine`);
  return record;
}

export async function changeNode(hands: Hands, node: LiveObject, change: NodeChange): Promise<LiveObject> {
  const { labels, annotations, taints = {}, unschedulable } = change;
  const kept = taintsOf(node).filter(({ key }) => taints[key] === undefined);
  const added = Object.entries(taints).flatMap(([key, taint]) => (taint === null ? [] : [{ key, ...taint }]));
  const spec = {
    // Merging replaces a list, so all taints go; what changed meanwhile is refused by its resource version.
    ...(Object.keys(taints).length === 0 ? {} : { taints: [...kept, ...added] }),
    ...(unschedulable === undefined ? {} : { unschedulable }),
  };
  return patchRead(hands, hands.paths.node(node.metadata.name), node, {
    metadata: { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    ...(Object.keys(spec).length === 0 ? {} : { spec }),
  });
}

/** Adds to what is remembered of a server in quarantine. What the checks said before a treatment says nothing after it. */
export async function note(
  hands: Hands,
  node: LiveObject,
  record: QuarantineRecord,
  more: Partial<QuarantineRecord>,
): Promise<LiveObject> {
  const { objectionsSince: _since, failedChecks: _failed, validatedAt: _validated, ...anew } = record;
  const next = { ...(more.treated === undefined ? record : anew), ...more };
  return changeNode(hands, node, { annotations: { [QUARANTINE]: JSON.stringify(next) } });
}
