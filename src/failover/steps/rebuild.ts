import type { Remedy } from "../../health/remedy.ts";
import { act, changeFailed, type Decision, escalate, wait } from "../decision.ts";
import { failoversInHour, intactBeside, isConfirmed, isIntact, isUnheard, serverOf } from "../intact.ts";
import type { FailoverPolicy, GroupObserved, Observed, ServerObserved } from "../observed.ts";
import { leaveBrokenGroup } from "./leave.ts";
import { membersOf } from "./members.ts";
import { isLooping, isSoftware, restartPause } from "./restarts.ts";

/** Takes every broken group apart and puts it together again, each by one step. */
export function rebuildGroups(seen: Observed, policy: FailoverPolicy): Decision[] {
  return seen.groups.flatMap((group) => rebuild(group, seen, policy));
}

function rebuild(group: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision[] {
  // While traffic has somewhere to go, it goes first.
  if (group.id === seen.active && intactBeside(seen, group.id).length > 0 && !isKeptHere(group, seen, policy))
    return [];
  if (group.run === "stopped") return putTogether(group, seen, policy);
  if (isOverruled(group, seen)) {
    const action = { kind: "stop-group", group: group.id, why: "change" } as const;
    return [act("change", action, `${group.id} starts with ${group.revision}, which nobody wants any more`)];
  }
  if (group.verdict.state === "suspect") return takeApart(group, seen, policy);
  if (group.run === "serving") return [];
  const lost = lostMember(group, seen, policy);
  if (lost !== undefined) return giveUp(group, lost, seen, policy);
  const broken = group.members.find((name) => serverOf(seen, name)?.quarantine);
  if (broken !== undefined) {
    // Nothing of it is placed there, so that its load would only time out. Its isolation was begun, and could not be ended.
    const why = `${group.id} does not serve, and ${broken} is in quarantine`;
    return [act("isolate", { kind: "stop-group", group: group.id, why: "fault" }, why)];
  }
  const untilMs = group.runSinceMs + policy.startWithinMs;
  if (seen.atMs < untilMs) return [isLooping(group, seen, policy) ?? wait("starting", untilMs, `${group.id} loads`)];
  const others = intactBeside(seen, group.id);
  const isNew = others.length > 0 && others.every(({ revision }) => revision !== group.revision);
  if (isNew && group.revision === seen.wantedRevision)
    return [changeFailed(`${group.id} is not ready after its load time with ${group.revision}`)];
  const fix = `see the logs of its pods; then: tandem explain group ${group.id}`;
  return [escalate("does-not-start", `${group.id} is not ready after its load time`, fix)];
}

/**
 * It starts with a revision that the spec does not ask for any more and that no group serves with: it need not fail first. So a
 * change that made it crash is over as soon as the spec is set back, whatever its load time is and however often it crashed.
 */
function isOverruled(group: GroupObserved, seen: Observed): boolean {
  if (group.run !== "starting" || !isSoftware(group) || group.verdict.state === "blind") return false;
  const next = revisionFor(group, seen);
  const serving = intactBeside(seen, group.id);
  const isProven = serving.some(({ revision }) => revision === group.revision);
  return next !== group.revision && next !== group.failedRevision && serving.length > 0 && !isProven;
}

/** A brake refuses to move the traffic away: what only crashed is started again where it is. */
function isKeptHere(group: GroupObserved, seen: Observed, policy: FailoverPolicy): boolean {
  const isRefused = leaveBrokenGroup(seen, policy).some(
    (decision) => decision.kind === "escalate" && decision.reason !== "manual-mode",
  );
  return isRefused && (group.verdict.state !== "suspect" || isSoftware(group));
}

function takeApart(group: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision[] {
  const { id, verdict } = group;
  if (!isConfirmed(group, seen.atMs, policy)) {
    return [wait("unconfirmed", verdict.sinceMs + policy.confirmAfterMs, `${id}: ${verdict.reason}`)];
  }
  const untold = untoldMember(group, seen, policy);
  if (untold !== null) return [untold];
  const refused = brake(group, isSoftware(group), seen, policy);
  if (refused !== null) return [refused];
  const remedy: Remedy = verdict.remedy ?? "restart-group";
  const blamed = verdict.blamed === null ? undefined : serverOf(seen, verdict.blamed);
  if (remedy !== "restart-group" && blamed !== undefined && blamed.quarantine === null) {
    const action = { kind: "quarantine", server: blamed.name, remedy } as const;
    return [act("isolate", action, `${id}: ${verdict.reason}`)];
  }
  return [act("isolate", { kind: "stop-group", group: id, why: "fault" }, `${id}: ${verdict.reason}`)];
}

/**
 * The server to blame may be the one that has not been heard yet: a fresh observer that knew of an exit, and not of the kernel
 * line before it on the other server, would start the group again on a broken GPU.
 */
function untoldMember({ id, members }: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision | null {
  if (seen.listensSinceMs === undefined) return null;
  const untilMs = seen.listensSinceMs + policy.firstWordWithinMs;
  const name = members.find((one) => serverOf(seen, one)?.told === false);
  if (name === undefined || seen.atMs >= untilMs) return null;
  return wait("unconfirmed", untilMs, `${id}: ${name} has not told yet what it knows`);
}

/**
 * A server that nobody hears, of a group that does not serve: by now it is no agent that starts anew. While tokens flow, or
 * while Kubernetes hears it, its silence is nothing; one in quarantine was judged before, by somebody who ended half-way.
 */
function lostMember({ members }: GroupObserved, seen: Observed, { lostAfterMs }: FailoverPolicy) {
  return members
    .flatMap((name) => serverOf(seen, name) ?? [])
    .find(
      ({ verdict, nodeReady, quarantine }) =>
        isUnheard({ verdict }) &&
        (quarantine !== null || (nodeReady !== true && seen.atMs - verdict.sinceMs >= lostAfterMs)),
    );
}

function giveUp(group: GroupObserved, lost: ServerObserved, seen: Observed, policy: FailoverPolicy): Decision[] {
  const why = `${group.id} does not serve, and ${lost.name} is lost: ${lost.verdict.reason}`;
  if (lost.quarantine !== null) return [act("isolate", { kind: "stop-group", group: group.id, why: "fault" }, why)];
  const refused = brake(group, false, seen, policy);
  if (refused !== null) return [refused];
  return [act("isolate", { kind: "quarantine", server: lost.name, remedy: "failover-reboot" }, why)];
}

/**
 * What keeps a new rebuild from beginning. One that has begun goes on: half a rebuild helps nobody. A brake holds back what
 * touches machines while another group serves; a group that merely crashed, or that would be the only one, is always started.
 */
function brake(group: GroupObserved, isCrash: boolean, seen: Observed, policy: FailoverPolicy): Decision | null {
  const { id, verdict } = group;
  if (group.members.some((name) => serverOf(seen, name)?.quarantine)) return null;
  const what = `${id}: ${verdict.reason}`;
  if (policy.mode === "manual") return escalate("manual-mode", what, `run: tandem failover --rebuild ${id}`);
  // What is given up is not started again: there is nothing to space.
  if (isCrash) return group.isRevisionToBlame ? null : restartPause(group, seen, policy);
  if (intactBeside(seen, id).length === 0 || failoversInHour(seen) <= policy.maxPerHour) return null;
  const detail = `${failoversInHour(seen)} in the last hour; ${what}`;
  return escalate("too-many-failovers", detail, "look first, then: tandem resume");
}

function putTogether(group: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision[] {
  const { id } = group;
  if (group.podsLeft > 0) {
    return [act("isolate", { kind: "delete-pods", group: id }, `${group.podsLeft} pods of ${id} are left`)];
  }
  const unfit = unfitMembers(group, seen, policy);
  if (unfit.length > 0) return unfit;
  const { complete, steps } = membersOf(group, seen);
  if (!complete) return steps;
  const busy = group.members.flatMap((name) => serverOf(seen, name) ?? []).filter(({ fence }) => !fence.fenced);
  if (busy.length > 0) {
    const untilMs = group.runSinceMs + policy.fenceWithinMs;
    const told = busy.map(({ name, fence }) => `${name}: ${fence.reason}`).join("; ");
    if (seen.atMs < untilMs) return [wait("emptying", untilMs, told)];
    const names = busy.map(({ name }) => name).join(", ");
    return [escalate("not-fenced", told, `see what runs on ${names}, or start it anew`)];
  }
  const revision = revisionFor(group, seen);
  if (group.failedRevision === revision) {
    return [changeFailed(`${id} did not turn green with ${revision}`)];
  }
  const action = { kind: "start-group", group: id, revision } as const;
  return [act("rebuild", action, `${group.members.join(", ")} are there and empty`)];
}

/** Members of a stopped group that a start would break on: they are broken, or nobody hears them. */
function unfitMembers(group: GroupObserved, seen: Observed, policy: FailoverPolicy): Decision[] {
  const steps = group.members.flatMap((name): Decision[] => {
    const server = serverOf(seen, name);
    // One that a person has in hand is not touched, and nothing is started on it (`membersOf`).
    if (server === undefined || server.quarantine !== null || server.reserved) return [];
    const { state, sinceMs, remedy, reason } = server.verdict;
    if (server.resetDue) {
      const action = { kind: "quarantine", server: name, remedy: "failover-reset" } as const;
      return [act("repair", action, `${name} does not serve now, and its reset is due: ${reason}`)];
    }
    const isBroken = state === "suspect" && remedy !== null && remedy !== "restart-group";
    const isLost = !isBroken && isUnheard(server);
    if (!isBroken && !isLost) return [];
    const untilMs = isBroken
      ? sinceMs + policy.confirmAfterMs
      : Math.max(sinceMs, group.runSinceMs) + policy.lostAfterMs;
    const why = `${name}, which ${group.id} needs to start: ${reason}`;
    if (seen.atMs < untilMs) return [wait(isBroken ? "unconfirmed" : "emptying", untilMs, why)];
    // Kubernetes hears it: the agent is what is missing, and a machine that works is not cut off for that.
    if (isLost && server.nodeReady === true) return [escalate("not-fenced", why, `see the agent of ${name}`)];
    return [act("isolate", { kind: "quarantine", server: name, remedy: isBroken ? remedy : "failover-reboot" }, why)];
  });
  // What can be done at once comes before what must be waited for.
  return steps.toSorted((a, b) => Number(b.kind === "act") - Number(a.kind === "act"));
}

/** A new revision reaches one group at a time, while another serves; a group without such company starts as it was. */
function revisionFor(group: GroupObserved, seen: Observed): string {
  const others = seen.groups.filter(({ id }) => id !== group.id);
  const isTried = others.some(({ failedRevision }) => failedRevision === seen.wantedRevision);
  const inCompany = others.length === 0 || others.some(isIntact);
  return inCompany && !isTried ? seen.wantedRevision : group.revision;
}
