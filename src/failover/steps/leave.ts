import { act, type Decision, escalate, wait } from "../decision.ts";
import { failoversInHour, groupOf, intactBeside, isConfirmed, isIntact, isMute, isStarting } from "../intact.ts";
import type { FailoverPolicy, GroupObserved, Observed } from "../observed.ts";

/**
 * Moves the word away from an active group that is broken, when no gateway did: they may be down, or have nothing to send. A
 * fault that came with the work would break the next group too, so that one is kept.
 */
export function leaveBrokenGroup(seen: Observed, policy: FailoverPolicy): Decision[] {
  const active = groupOf(seen, seen.active);
  if (active === undefined || isIntact(active)) return [];
  if (active.run !== "serving" && active.verdict.state !== "suspect" && intactBeside(seen, active.id).length === 0)
    return [];
  const { verdict } = active;
  // Readiness comes late, in both directions. A gateway that uses the group knows better: it leaves by itself.
  const isUsed = seen.gateways.some(({ group }) => group === active.id);
  if (isStarting(active) && isUsed) return loading(active, seen, policy);
  // A fault that came with a change does not reach a group that has not been changed; one that ended both came with no change.
  const isSpared = ({ id, revision }: GroupObserved) =>
    active.follows !== "workload" || (revision !== active.revision && id !== active.twin);
  const answers = intactBeside(seen, active.id).filter((group) => !isMute(group, seen.atMs, policy));
  const isFollowed = ({ id }: GroupObserved) =>
    seen.gateways.length > 0 && seen.gateways.every(({ group }) => group === id);
  const [best] = answers.toSorted(
    (a, b) => Number(isSpared(b)) - Number(isSpared(a)) || Number(b.takeover.ready) - Number(a.takeover.ready),
  );
  const target = answers.find(isFollowed) ?? best;
  // A group that merely loads is not left for one that may not be able to take over: the first that answers will serve.
  if (isStarting(active) && target?.takeover.ready === false) return loading(active, seen, policy);
  if (target === undefined) {
    const each = seen.groups.map((group) => `${group.id}: ${against(group, seen, policy)}`).join("; ");
    return [
      escalate(
        "no-intact-group",
        each,
        "the groups are rebuilt as far as that goes; see `tandem status` for what is missing",
      ),
    ];
  }
  if (verdict.state === "suspect" && !isConfirmed(active, seen.atMs, policy)) {
    return [wait("unconfirmed", verdict.sinceMs + policy.confirmAfterMs, `${active.id}: ${verdict.reason}`)];
  }
  const action = { kind: "set-active", group: target.id, epoch: seen.epoch + 1, why: "failover" } as const;
  const move = act("group-failed", action, `${active.id}: ${verdict.reason}`);
  // All traffic is there already: gateways take no notice of a word that names a broken group, so that it is not adopted either.
  // No brake holds up what is done; it would only keep the broken group from being rebuilt.
  if (isFollowed(target)) return [move];
  if (!isSpared(target)) {
    const fix = `find what crashes it, then: tandem failover --to ${target.id}`;
    return [escalate("follows-workload", `${active.id}: ${verdict.reason}; ${target.id} is not spent on it`, fix)];
  }
  if (policy.mode === "manual") {
    return [escalate("manual-mode", `${active.id}: ${verdict.reason}`, `run: tandem failover --to ${target.id}`)];
  }
  if (failoversInHour(seen) >= policy.maxPerHour) {
    const detail = `${failoversInHour(seen)} failovers in the last hour; ${active.id}: ${verdict.reason}`;
    return [escalate("too-many-failovers", detail, `look first, then: tandem failover --to ${target.id}`)];
  }
  return [move];
}

function against(group: GroupObserved, { atMs }: Observed, policy: FailoverPolicy): string {
  if (isIntact(group) && isMute(group, atMs, policy)) return "nobody has had a token of it lately";
  return group.verdict.reason || group.run;
}

function loading({ id, runSinceMs }: GroupObserved, { atMs }: Observed, { startWithinMs }: FailoverPolicy): Decision[] {
  const untilMs = runSinceMs + startWithinMs;
  if (atMs < untilMs) return [wait("starting", untilMs, `${id} loads`)];
  const fix = `see the logs of its pods; then: tandem explain group ${id}`;
  return [escalate("does-not-start", `${id} is not ready after its load time`, fix)];
}
