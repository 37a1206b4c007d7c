import { act, type Decision, wait } from "../decision.ts";
import { groupOf, isIntact, isMute, isStarting } from "../intact.ts";
import type { FailoverPolicy, Observed } from "../observed.ts";

/**
 * Follows what the gateways did: they saw the fault first, and traffic that goes to and fro is worse than either group. It is
 * never a reason to touch the group that they left. Only gateways that had heard our last word count; an older one is late.
 */
export function adoptGateways(seen: Observed, policy: FailoverPolicy): Decision[] {
  const current = seen.gateways.filter(
    ({ epoch, group }) => epoch === seen.epoch && groupOf(seen, group) !== undefined,
  );
  const moved = current.filter(({ group }) => group !== seen.active);
  const [first] = moved;
  if (first === undefined) return [];
  const epoch = seen.epoch + 1;
  if (moved.length === current.length && moved.every(({ group }) => group === first.group)) {
    const action = { kind: "set-active", group: first.group, epoch, why: "adopt" } as const;
    return [act("gateways-moved", action, `every gateway that is heard uses ${first.group}`)];
  }
  const untilMs = Math.min(...moved.map(({ sinceMs }) => sinceMs)) + policy.settleAfterMs;
  const told = current.map(({ replica, group }) => `${replica} uses ${group}`).join(", ");
  if (seen.atMs < untilMs) return [wait("gateways-disagree", untilMs, told)];
  // One of them has a bad link. Where the group that has the word is well, it keeps it: moving it costs a prefill of all.
  const active = groupOf(seen, seen.active);
  // After an outage of the API server readiness is late; the gateway that uses the group has left it if it does not answer.
  const isUsed = current.some(({ group }) => group === seen.active);
  const keep =
    active !== undefined && (isIntact(active) || (isUsed && isStarting(active) && !isMute(active, seen.atMs, policy)));
  const other = moved.map(({ group }) => groupOf(seen, group)).find((group) => group !== undefined && isIntact(group));
  const group = keep || other === undefined ? seen.active : other.id;
  return [act("gateways-disagree", { kind: "set-active", group, epoch, why: "settle" }, told)];
}
