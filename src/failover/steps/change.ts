import { act, changeFailed, type Decision, escalate, wait } from "../decision.ts";
import { groupOf, intactBeside, isIntact, isMute, serverOf } from "../intact.ts";
import type { FailoverPolicy, GroupObserved, Observed, ServerObserved } from "../observed.ts";

/**
 * Planned moves, only while every group serves: what a person asks for, a new revision (the standby first, then the others), a
 * reset that is due on a standby, and a group that is slower than itself. The old active group finishes its streams where they are.
 */
export function changeGroups(seen: Observed, policy: FailoverPolicy): Decision[] {
  const active = groupOf(seen, seen.active);
  if (active === undefined || !isIntact(active)) return [];
  if (seen.switchoverTo !== null && seen.switchoverTo !== active.id) return moveTo(seen.switchoverTo, seen, "asked");
  if (seen.groups.some((group) => !isIntact(group))) return [];
  // A gateway that uses another one may know what is wrong with this one.
  if (seen.gateways.some(({ group }) => group !== active.id)) return [];
  const standbys = intactBeside(seen, active.id);
  const old = standbys.find(({ revision }) => revision !== seen.wantedRevision);
  if (old !== undefined) return change(old, seen, policy);
  const due = policy.mode === "automatic" ? repairsDue(seen, active, standbys, policy) : [];
  if (due.length > 0) return due;
  if (active.revision !== seen.wantedRevision) {
    const [next] = standbys;
    // A single group has no standby to try a change on: the person who changed the spec wants it all the same.
    return next === undefined
      ? change(active, seen, policy)
      : (unproved(next, seen, policy) ?? moveTo(next.id, seen, "change"));
  }
  if (!active.verdict.wantsSwitch) return [];
  const [ready] = standbys.filter(({ takeover, verdict }) => takeover.ready && !verdict.wantsSwitch);
  if (ready === undefined || policy.mode === "manual") return [];
  // A move for slowness counts as well: where both are slow, traffic would go to and fro.
  const coolMs = Math.max(seen.movedMs ?? Number.NEGATIVE_INFINITY, ...seen.failoversMs) + policy.cooldownMs;
  if (seen.atMs < coolMs) return [wait("cooling-down", coolMs, `${active.id} is slow: ${active.verdict.reason}`)];
  return moveTo(ready.id, seen, "slow");
}

/**
 * Repairs that wait until a server does not serve. A spare serves nobody. A standby is stopped for it: its GPUs would go into the
 * next failover with it, and whoever proves readiness says no until then. Its servers are reset before it is started again
 * (`rebuild.ts`). A group that serves beside a standby that is well hands over first, for what was left half done.
 */
function repairsDue(
  seen: Observed,
  active: GroupObserved,
  standbys: readonly GroupObserved[],
  policy: FailoverPolicy,
): Decision[] {
  const spare = seen.servers.find((one) => one.group === null && one.quarantine === null && isResetDue(one));
  if (spare !== undefined) {
    const action = { kind: "quarantine", server: spare.name, remedy: "failover-reset" } as const;
    return [act("repair", action, `a reset is due on ${spare.name}, a spare: ${spare.verdict.reason}`)];
  }
  const worn = (group: GroupObserved) =>
    seen.servers.find((one) => one.group === group.id && (isResetDue(one) || isLeftInQuarantine(one)));
  const group = standbys.find((one) => worn(one) !== undefined);
  if (group === undefined) return handOver(seen, active, standbys);
  // It could not start again there; what is due can wait for whoever cordoned it.
  if (heldMember(group, seen) !== undefined) return [];
  // It can wait for whoever is not heard, and for somebody who knows that the active group answers.
  if ([group, active].some(({ verdict }) => verdict.state === "blind") || active.answeredMs === undefined) return [];
  const mute = muteActive(seen, policy);
  if (mute !== null) return mute.kind === "wait" ? [mute] : [];
  const action = { kind: "stop-group", group: group.id, why: "change" } as const;
  return [act("repair", action, `a repair is due on ${worn(group)?.name}: ${worn(group)?.verdict.reason}`)];
}

/** No standby is worn here. */
function handOver(seen: Observed, active: GroupObserved, standbys: readonly GroupObserved[]): Decision[] {
  const left = seen.servers.some((one) => one.group === active.id && isLeftInQuarantine(one));
  const [ready] = standbys.filter(({ takeover }) => takeover.ready);
  return left && ready !== undefined ? moveTo(ready.id, seen, "repair") : [];
}

/** Whoever isolated it ended half-way, its group started again by itself and serves, and what the server needs it has not had. */
function isLeftInQuarantine({ quarantine, verdict, reserved }: ServerObserved): boolean {
  return quarantine !== null && verdict.state === "suspect" && !reserved;
}

/** Kubernetes places no pod on a server that a person cordoned. */
function heldMember({ members }: GroupObserved, seen: Observed): string | undefined {
  return members.find((name) => serverOf(seen, name)?.reserved);
}

function isResetDue({ resetDue, reserved }: ServerObserved): boolean {
  return resetDue === true && !reserved;
}

function change(group: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision[] {
  const failed = seen.groups.find(({ failedRevision }) => failedRevision === seen.wantedRevision);
  if (failed !== undefined) {
    return [changeFailed(`${failed.id} did not turn green with ${seen.wantedRevision}`)];
  }
  const { verdict } = group;
  const held = heldMember(group, seen);
  if (held !== undefined) {
    const detail = `${group.id} is not stopped for a change: it could not start again while ${held} is cordoned`;
    return [escalate("needs-hands", detail, `kubectl uncordon ${held}`)];
  }
  if (verdict.state === "blind") {
    // Nobody could tell when its servers are empty.
    const untilMs = verdict.sinceMs + policy.lostAfterMs;
    const detail = `${group.id} is not stopped for a change while a server of it is not heard: ${verdict.reason}`;
    if (seen.atMs < untilMs) return [wait("unconfirmed", untilMs, detail)];
    return [escalate("not-fenced", detail, `see the agents of ${group.members.join(", ")}`)];
  }
  const mute = group.id === seen.active ? null : muteActive(seen, policy);
  if (mute !== null) return [mute];
  const action = { kind: "stop-group", group: group.id, why: "change" } as const;
  return [act("change", action, `${group.id} goes from ${group.revision} to ${seen.wantedRevision}`)];
}

/**
 * The group that would serve alone may hang without anybody having noticed: where nobody sends requests, only the gateways'
 * questions tell, and a verdict takes longer than they do.
 */
function muteActive(seen: Observed, policy: FailoverPolicy): Decision | null {
  const active = groupOf(seen, seen.active);
  if (active === undefined || !isMute(active, seen.atMs, policy)) return null;
  const detail = `${active.id} would serve alone, and has not answered lately`;
  const untilMs = (active.answeredMs ?? seen.atMs) + policy.lostAfterMs;
  if (seen.atMs < untilMs) return wait("unconfirmed", untilMs, detail);
  return escalate("cannot-take-over", detail, `see what the gateways say of ${seen.active}: tandem status`);
}

/**
 * The new revision has to show that it can do the work before the old one is given up: it serves, and the readiness ladder is
 * not green yet. What does not become green in time ends the change there, with the old revision serving.
 */
function unproved(group: GroupObserved, seen: Observed, { proveWithinMs }: FailoverPolicy): Decision[] | null {
  const { id, takeover, runSinceMs } = group;
  if (takeover.ready) return null;
  const untilMs = runSinceMs + proveWithinMs;
  if (seen.atMs < untilMs)
    return [wait("proving", untilMs, `${id} serves with ${seen.wantedRevision}; ${takeover.reason}`)];
  return [changeFailed(`${id} does not turn green with ${seen.wantedRevision}: ${takeover.reason}`)];
}

function moveTo(id: string, seen: Observed, reason: "asked" | "change" | "repair" | "slow"): Decision[] {
  const target = groupOf(seen, id);
  if (target === undefined || !isIntact(target) || !target.takeover.ready) {
    const why = target === undefined ? "there is no such group" : target.takeover.reason;
    return [escalate("cannot-take-over", `${id}: ${why}`, "see `tandem status`, the column CAN TAKE OVER")];
  }
  const action = { kind: "set-active", group: id, epoch: seen.epoch + 1, why: "switchover" } as const;
  return [act(reason, action, `${id} can take over`)];
}
