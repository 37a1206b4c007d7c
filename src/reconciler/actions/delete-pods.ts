import { isConflict, isNotFound } from "../../kube/errors.ts";
import type { LiveObject } from "../../kube/objects.ts";
import { LWS_WORKER_INDEX_LABEL } from "../../manifests/names.ts";
import { nodeOf, type Workload } from "../observe/workload.ts";
import { groupIn } from "./group-in.ts";
import { type Decided, done, type Hands, type Outcome, waiting } from "./hands.ts";

const TIMEOUT_MS = 5_000;
/** The group serves nobody any more, and every second of its end is one of the rebuild. kubelet knows nothing shorter. */
const GRACE_SECONDS = 1;

/**
 * Ends what is left of a stopped group. On a lost server nobody ever confirms a pod gone, and LeaderWorkerSet waits for that;
 * there pods are deleted by force, so that the group can be made anew. That says nothing about the processes: the server's
 * GPUs stay out of use until it is fenced.
 */
export async function deletePods(hands: Hands, decided: Decided, id: string): Promise<Outcome> {
  const { workload } = groupIn(decided, id);
  if (workload.run !== "stopped") return waiting(`${id} is not stopped`);
  const ended = await endPods(hands, decided, workload);
  if (ended.length === 0) return waiting(`${workload.pods.length} pods of ${id} end`);
  return done(`pods deleted: ${ended.join(", ")}`);
}

/**
 * Deletes the pods of a group, each at most once with each grace period. Ours has to be the first: kubelet goes on with the
 * two minutes that it was given first, and ranks whose peer is gone take no SIGTERM (seen with 1.36). The end of a leader is
 * that of its workers to Kubernetes' garbage collector, and the end of a worker that of its group to LeaderWorkerSet: no
 * deletion waits for the answer to another one, or theirs is first (the rebuild of a group began two and a half minutes late).
 *
 * @returns the names of those that were deleted now
 */
export async function endPods(
  hands: Hands,
  { observation, knowledge }: Decided,
  { pods }: Workload,
): Promise<string[]> {
  const { servers } = observation.observed;
  const lost = new Set(servers.filter(({ verdict }) => verdict.state === "blind").map(({ name }) => name));
  const isLost = (server: string | undefined) =>
    server !== undefined && (lost.has(server) || !knowledge.cluster.nodes.has(server));
  const isLeader = ({ metadata }: LiveObject) => metadata.labels?.[LWS_WORKER_INDEX_LABEL] === "0";
  const ends = pods
    .toSorted((a, b) => Number(isLeader(b)) - Number(isLeader(a)))
    .map((pod) => ({ pod, grace: isLost(nodeOf(pod)) ? 0 : GRACE_SECONDS }))
    .filter(({ pod, grace }) => graceOf(pod) > grace)
    .map(async ({ pod, grace }) => {
      const isEnded = await end(hands, pod, grace, isLeader(pod));
      return isEnded ? [`${pod.metadata.name}${grace === 0 ? " by force" : ""}`] : [];
    });
  return (await Promise.all(ends)).flat();
}

/** Seconds that a pod has from its deletion on; for ever before it. */
function graceOf({ metadata }: LiveObject): number {
  if (metadata.deletionTimestamp === undefined) return Number.POSITIVE_INFINITY;
  return Number(metadata.deletionGracePeriodSeconds ?? 0);
}

async function end(
  { client, paths, assertLeader, signal }: Hands,
  { metadata: { name, uid } }: LiveObject,
  gracePeriodSeconds: number,
  isLeader: boolean,
): Promise<boolean> {
  assertLeader();
  // The leader's own StatefulSet of workers must be on its way out as well, or it makes them anew.
  const propagation = isLeader ? { propagationPolicy: "Foreground" } : {};
  // LWS gives a new pod the old name.
  const options = { gracePeriodSeconds, preconditions: { uid }, ...propagation };
  try {
    await client.json({
      method: "DELETE",
      path: paths.pod(name),
      body: { apiVersion: "v1", kind: "DeleteOptions", ...options },
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    return true;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return false;
    throw error;
  }
}
