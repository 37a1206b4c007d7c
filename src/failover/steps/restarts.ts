import { type Decision, escalate } from "../decision.ts";
import { type FailoverPolicy, type GroupObserved, HOUR_MS, type Observed } from "../observed.ts";

/** Its processes ended or hang, and no machine is to blame: starting it again costs nothing but its load. */
export function isSoftware({ verdict }: GroupObserved): boolean {
  return (verdict.remedy ?? "restart-group") === "restart-group";
}

/**
 * Why a group that crashed is not started again yet; null where it may be. It is never refused for good: a group that stands
 * because it crashed before would stand until a person comes, and with it perhaps the last one. Starts that did not help are
 * spaced, and a person is told meanwhile.
 */
export function restartPause(group: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision | null {
  const restarts = restartsInHour(group, seen);
  const isMany = restarts.length >= policy.maxRestarts;
  const isWorkload = group.follows === "workload" && restarts.length > 0;
  if (!isMany && !isWorkload) return null;
  const more = Math.max(0, restarts.length - policy.maxRestarts);
  const pauseMs = Math.min(policy.maxRestartPauseMs, policy.restartPauseMs * 2 ** more);
  const leftMs = Math.max(...restarts) + pauseMs - seen.atMs;
  if (leftMs <= 0) return null;
  const next = `it is started again in ${Math.ceil(leftMs / 1000)} s`;
  return trouble(group, restarts.length, `${next}; ${group.id}: ${group.verdict.reason}`);
}

/** It loads, after more starts than may follow each other: a person should know before it crashes once more. */
export function isLooping(group: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision | null {
  const count = restartsInHour(group, seen).length;
  return count > policy.maxRestarts ? trouble(group, count, `${group.id} loads once more`) : null;
}

function restartsInHour({ restartsMs }: GroupObserved, { atMs }: Observed): number[] {
  return restartsMs.filter((whenMs) => atMs - whenMs < HOUR_MS);
}

function trouble({ follows }: GroupObserved, count: number, detail: string): Decision {
  const told = `${count} ${count === 1 ? "start" : "starts"} in an hour did not help; ${detail}`;
  return follows === "workload"
    ? escalate("follows-workload", told, "find the request, image or flag that crashes it")
    : escalate("too-many-restarts", told, "see the logs of its pods");
}
