import { compareRemedies } from "../../health/remedy.ts";
import { act, type Decision, escalate, wait } from "../decision.ts";
import { groupOf, isIntact, isUnheard } from "../intact.ts";
import type { FailoverPolicy, GroupObserved, Observed, ServerObserved } from "../observed.ts";

/** A boot can be struck by what struck before it, or hang by itself: once more costs nobody anything, and at night nobody comes. */
const BOOTS = 2;

type Quarantined = ServerObserved & { quarantine: NonNullable<ServerObserved["quarantine"]> };

/** Brings every server in quarantine back, rung by rung: fence, reset or reboot, check, return. No brake stops this. */
export function repairServers(seen: Observed, policy: FailoverPolicy): Decision[] {
  return seen.servers.flatMap((server) =>
    server.quarantine === null ? [] : repair(server as Quarantined, seen, policy),
  );
}

function repair(server: Quarantined, seen: Observed, policy: FailoverPolicy): Decision[] {
  const mine = server.group === null ? undefined : groupOf(seen, server.group);
  // As long as its group runs, whatever is done to it is done to the other servers as well.
  if (mine !== undefined && mine.run !== "stopped") return released(server, mine);
  if (server.reserved)
    return [escalate("needs-hands", `${server.name} is cordoned by a person`, `kubectl uncordon ${server.name}`)];
  if (server.treated === null && !server.fence.fenced) return fence(server, seen, policy);
  if (server.treated === null && isUnheard(server) && !server.outOfService) {
    return [act("fence", { kind: "mark-out-of-service", server: server.name }, server.fence.reason)];
  }
  const { name, verdict, treated, quarantine } = server;
  const underWay = treated === null ? null : stillTreated(server, treated, seen, policy);
  if (underWay !== null) return [underWay];
  // What a server said before it fell silent is old by now; what it needs beyond the quarantine's remedy shows when it is back.
  const isWorn = treated !== null && server.resetDue === true;
  // A reset that did not remap the row asks for more; a row that came to light after it, for another one.
  const isWrong = verdict.state === "suspect" || (isWorn && verdict.sinceMs <= treated.atMs);
  const needed = isWrong && !isUnheard(server) ? strongest(server) : quarantine.remedy;
  const isBack = wasOnlySilent(server);
  if (isBack && server.told === false)
    return [wait("emptying", seen.atMs + policy.firstWordWithinMs, `${name} has not told yet what it knows`)];
  if (!isBack && (treated === null || compareRemedies(treated.remedy, needed) < 0)) return treat(server, needed);
  if (treated !== null && (isUnheard(server) || treated.done === false)) {
    const isBooted = compareRemedies(treated.remedy, "failover-reboot") >= 0;
    if (!isBooted || (server.bmc && (treated.tries ?? 1) < BOOTS)) return treat(server, "failover-reboot");
    return [escalate("needs-hands", `${name} does not come back after ${treated.remedy}`, `look at ${name}'s console`)];
  }
  if (isWrong) return treat(server, "failover-support");
  if (isWorn) return treat(server, "failover-reset");
  if ((server.failedChecks ?? 0) > 0) return treat(server, strongest(server));
  if (!server.validated) {
    const after = treated === null ? "its silence, and empty" : treated.remedy;
    return [act("repair", { kind: "validate", server: name }, `${name} is well after ${after}`)];
  }
  return [act("repair", { kind: "return-server", server: name }, `${name} passed its checks`)];
}

/**
 * A cable, a switch, a frozen machine: it is heard again, holds no process, and nothing that a boot would cure is found. Whoever
 * has a BMC boots it all the same, since nobody knows why it was silent; without one a person would be called for a loose plug.
 */
function wasOnlySilent({ treated, bmc, quarantine, verdict, failedChecks, fence }: Quarantined): boolean {
  const isWell = verdict.state === "healthy" && fence.fenced && (failedChecks ?? 0) === 0;
  return treated === null && !bmc && quarantine.remedy === "failover-reboot" && isWell;
}

/** A treatment needs time: until then neither silence nor the fault that it is to cure asks for the next rung. */
function stillTreated(
  server: Quarantined,
  treated: NonNullable<ServerObserved["treated"]>,
  seen: Observed,
  { treatWithinMs, resetWithinMs }: FailoverPolicy,
): Decision | null {
  const { name, verdict } = server;
  const isOld = (verdict.state === "suspect" || server.resetDue === true) && verdict.sinceMs <= treated.atMs;
  if (!isUnheard(server) && !isOld && treated.done !== false) return null;
  const untilMs = treated.atMs + (treated.remedy === "failover-reboot" ? treatWithinMs : resetWithinMs);
  if (seen.atMs >= untilMs) return null;
  const what = isUnheard(server) ? "is not heard yet" : "is not well yet";
  return wait("treating", untilMs, `${name} ${what} after ${treated.remedy}`);
}

/** The fault went away before the group was stopped: it serves, with all its ranks, so the server is well. */
function released({ name, verdict }: Quarantined, group: GroupObserved): Decision[] {
  if (!isIntact(group) || verdict.state !== "healthy") return [];
  return [
    act("repair", { kind: "return-server", server: name }, `${group.id} serves, and nothing is wrong with ${name}`),
  ];
}

function fence(server: Quarantined, seen: Observed, policy: FailoverPolicy): Decision[] {
  const { name, bmc, quarantine, power, powerOffAskedMs } = server;
  const untilMs = quarantine.sinceMs + policy.fenceWithinMs;
  const told = `${name}: ${server.fence.reason}`;
  // It said yes, and says "on" since: the order was lost on its way to the power.
  const isLost = powerOffAskedMs !== null && power === "on" && seen.atMs >= powerOffAskedMs + policy.fenceWithinMs;
  if (bmc && (powerOffAskedMs === null || isLost)) {
    const emptyMs = quarantine.sinceMs + policy.emptyWithinMs;
    // A server that is heard can end its processes by itself, which is quicker than a boot.
    if (!isUnheard(server) && seen.atMs < emptyMs) return [wait("emptying", emptyMs, told)];
    return [act("fence", { kind: "power-off", server: name }, told)];
  }
  if (seen.atMs < untilMs) return [wait("fencing", untilMs, told)];
  const fix = `${bmc ? "its BMC does not confirm: " : ""}cut the power of ${name} by hand, or start it anew`;
  return [escalate("not-fenced", told, fix)];
}

/** The quarantine's remedy, or one rung more where that did not help. */
function strongest({ quarantine, treated, verdict }: Quarantined): Quarantined["quarantine"]["remedy"] {
  const asked =
    verdict.remedy !== null && compareRemedies(verdict.remedy, quarantine.remedy) > 0
      ? verdict.remedy
      : quarantine.remedy;
  if (treated === null || compareRemedies(treated.remedy, asked) < 0) return asked;
  return treated.remedy === "failover-reset" ? "failover-reboot" : "failover-support";
}

function treat(server: Quarantined, remedy: Quarantined["quarantine"]["remedy"]): Decision[] {
  const { name, quarantine, verdict, power, bmc } = server;
  const why = `${name}: ${verdict.state === "suspect" ? verdict.reason : quarantine.remedy}`;
  if (remedy === "failover-support") {
    return [escalate("needs-hands", why, `mend ${name}, then: tandem server return ${name}`)];
  }
  // A machine that is off, or that nobody hears, cannot reset a GPU: for it the next rung is a boot.
  const boot = power === "off" || isUnheard(server) || remedy === "failover-reboot";
  if (boot && !bmc && isUnheard(server)) {
    return [escalate("needs-hands", why, `${name} has no BMC in the spec: start it by hand`)];
  }
  return [act("repair", { kind: "treat", server: name, remedy: boot ? "failover-reboot" : remedy }, why)];
}
