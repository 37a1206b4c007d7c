import type { LiveObject } from "../../kube/objects.ts";
import type { ModelServiceGroup } from "../../manifests/model-service/resource.ts";
import { GROUP_LABEL, LWS_NAME_LABEL, LWS_WORKER_INDEX_LABEL } from "../../manifests/names.ts";
import type { ClusterSnapshot } from "../cluster.ts";
import { type GroupNotes, notesOf } from "./records.ts";

/** What Kubernetes says about one group. */
export interface Workload {
  set: LiveObject | undefined;
  pods: readonly LiveObject[];
  /** The servers that carry its label; that of rank 0 first, where it is known. */
  members: readonly string[];
  run: "stopped" | "starting" | "serving";
  notes: GroupNotes;
  /** Of the youngest pod, ISO 8601; LeaderWorkerSet may start a group anew without us. */
  startedAt: string | null;
}

/** `serving`: rank 0 passes its readiness check, which asks the engine, and no pod is on its way out. */
export function workloadOf({ nodes, sets, pods: all }: ClusterSnapshot, group: ModelServiceGroup): Workload {
  const set = sets.get(group.workload);
  const pods = all.filter(({ metadata }) => metadata.labels?.[LWS_NAME_LABEL] === group.workload);
  const leader = pods.find(({ metadata }) => metadata.labels?.[LWS_WORKER_INDEX_LABEL] === "0");
  const leaderNode = nodeOf(leader);
  const members = [...nodes.values()]
    .filter(({ metadata }) => metadata.labels?.[GROUP_LABEL] === group.id)
    .map(({ metadata }) => metadata.name)
    .sort((a, b) => Number(b === leaderNode) - Number(a === leaderNode) || (a < b ? -1 : 1));
  const wanted = set !== undefined && Number((set.spec as { replicas?: number }).replicas ?? 1) > 0;
  const leaving = set?.metadata.deletionTimestamp !== undefined;
  const isWhole = pods.length === group.size && pods.every(({ metadata }) => metadata.deletionTimestamp === undefined);
  const run =
    !wanted || leaving ? "stopped" : leader !== undefined && isWhole && isReady(leader) ? "serving" : "starting";
  const [startedAt] = pods
    .map(({ metadata }) => String(metadata.creationTimestamp ?? ""))
    .sort((a, b) => (a > b ? -1 : 1));
  return { set, pods, members, run, notes: notesOf(set), startedAt: startedAt ?? null };
}

export function nodeOf(pod: LiveObject | undefined): string | undefined {
  return (pod?.spec as { nodeName?: string } | undefined)?.nodeName;
}

export function isReady({ status }: LiveObject): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some(({ type, status: state }) => type === "Ready" && state === "True");
}
