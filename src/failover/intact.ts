import type { FailoverPolicy, GroupObserved, Observed, ServerObserved } from "./observed.ts";
import { HOUR_MS } from "./observed.ts";

/** A group that serves and against which nothing is known. A server that is merely unheard is nothing known. */
export function isIntact(group: GroupObserved): boolean {
  return group.run === "serving" && group.verdict.state !== "suspect";
}

/** Kubernetes does not call it ready yet, and nothing is known against it. */
export function isStarting(group: GroupObserved): boolean {
  return group.run === "starting" && group.verdict.state !== "suspect";
}

/** Suspect for long enough to touch more than traffic. */
export function isConfirmed(
  { verdict }: Pick<GroupObserved, "verdict">,
  atMs: number,
  policy: FailoverPolicy,
): boolean {
  // The same sum as that of the wait for it, or the two differ in the last digit.
  return verdict.state === "suspect" && atMs >= verdict.sinceMs + policy.confirmAfterMs;
}

/** Nothing is heard of it now, whatever it said before. */
export function isUnheard({ verdict }: Pick<ServerObserved, "verdict">): boolean {
  return verdict.state === "blind" || verdict.heard === false;
}

/**
 * Nobody has had a token of it lately. No verdict yet, as it may have been idle: but nothing is staked on it. False where nobody
 * can know.
 */
export function isMute({ answeredMs }: GroupObserved, atMs: number, { answersWithinMs }: FailoverPolicy): boolean {
  return answeredMs !== undefined && atMs - answeredMs > answersWithinMs;
}

export function groupOf(seen: Observed, id: string): GroupObserved | undefined {
  return seen.groups.find((group) => group.id === id);
}

export function serverOf(seen: Observed, name: string): ServerObserved | undefined {
  return seen.servers.find((server) => server.name === name);
}

/** The other groups that could serve right now. */
export function intactBeside(seen: Observed, id: string): GroupObserved[] {
  return seen.groups.filter((group) => group.id !== id && isIntact(group));
}

/** Failovers in the last hour, in whole ones: with two groups a percentage would either always or never stop us. */
export function failoversInHour({ atMs, failoversMs }: Observed): number {
  return failoversMs.filter((whenMs) => atMs - whenMs < HOUR_MS).length;
}
