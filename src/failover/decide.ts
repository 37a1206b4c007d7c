import { type Action, type Decision, hold } from "./decision.ts";
import { DEFAULT_POLICY, type FailoverPolicy, type Observed } from "./observed.ts";
import { adoptGateways } from "./steps/adopt.ts";
import { changeGroups } from "./steps/change.ts";
import { leaveBrokenGroup } from "./steps/leave.ts";
import { rebuildGroups } from "./steps/rebuild.ts";
import { repairServers } from "./steps/repair.ts";

/**
 * The next single step. Progress is read back from what is seen, so that a crash between two steps loses nothing. The steps
 * are asked in order of urgency: the first that can act does; a step that must wait, or needs a person, does not keep the
 * ones after it from acting (recovery is never blocked).
 *
 * @param held steps that were tried a moment ago and wait for something, such as pods that end or a BMC that does not answer:
 *   they come last, so that they hold up nothing
 */
export function decide(
  seen: Observed,
  policy: FailoverPolicy = DEFAULT_POLICY,
  held: readonly Action[] = [],
): Decision {
  const still = reasonToHold(seen, policy);
  if (still !== null) return still;
  const found: Decision[] = [];
  for (const step of [adoptGateways, leaveBrokenGroup, rebuildGroups, repairServers, changeGroups]) {
    for (const decision of step(seen, policy)) {
      if (decision.kind === "act" && !isHeld(decision.action, held)) return decision;
      found.push(decision);
    }
  }
  const person = found.find(({ kind }) => kind === "escalate");
  if (person !== undefined) return person;
  const later = found.find(({ kind }) => kind === "act");
  if (later !== undefined) return later;
  const waits = found.flatMap((decision) => (decision.kind === "wait" ? [decision] : []));
  const [soonest] = waits.toSorted((a, b) => a.untilMs - b.untilMs);
  return soonest ?? hold("all-well", `${seen.active} serves`);
}

function isHeld(action: Action, held: readonly Action[]): boolean {
  if (held.length === 0) return false;
  const words = JSON.stringify(action);
  return held.some((other) => JSON.stringify(other) === words);
}

/** Absence of information is no fault: whoever cannot see, or may not act, does nothing. */
function reasonToHold(seen: Observed, { staleAfterMs }: FailoverPolicy): Decision | null {
  if (!seen.holdsLease) return hold("not-leader", "another replica decides");
  if (seen.paused !== null) return hold("paused", `paused by ${seen.paused.by}`);
  const ageMs = seen.atMs - seen.snapshotAtMs;
  if (ageMs > staleAfterMs)
    return hold("stale-snapshot", `the cluster was last read ${Math.round(ageMs / 1000)} s ago`);
  if (seen.servers.every(({ verdict }) => verdict.state === "blind")) {
    return hold("nobody-heard", "no server is heard: the fault is on our side");
  }
  return null;
}
