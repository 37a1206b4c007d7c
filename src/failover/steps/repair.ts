import { compareRemedies } from "../../health/remedy.ts";
import { act, type Decision, escalate, wait } from "../decision.ts";
import { groupOf, isIntact } from "../intact.ts";
import type { FailoverPolicy, GroupObserved, Observed, ServerObserved } from "../observed.ts";

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
  if (server.treated === null && server.verdict.state === "blind" && !server.outOfService) {
    return [act("fence", { kind: "mark-out-of-service", server: server.name }, server.fence.reason)];
  }
  const { name, verdict, treated, quarantine } = server;
  const needed = verdict.state === "suspect" ? strongest(server) : quarantine.remedy;
  if (treated === null || compareRemedies(treated.remedy, needed) < 0) return treat(server, needed);

  const untilMs = treated.atMs + policy.treatWithinMs;
  if (verdict.state === "blind") {
    if (seen.atMs < untilMs) return [wait("treating", untilMs, `${name} is not heard yet after ${treated.remedy}`)];
    return [escalate("needs-hands", `${name} is not heard after ${treated.remedy}`, `look at ${name}'s console`)];
  }
  if (verdict.state === "suspect") return treat(server, "failover-support");
  if (!server.validated)
    return [act("repair", { kind: "validate", server: name }, `${name} is well after ${treated.remedy}`)];
  return [act("repair", { kind: "return-server", server: name }, `${name} passed its checks`)];
}

/** The fault went away before the group was stopped: it serves, with all its ranks, so the server is well. */
function released({ name, verdict }: Quarantined, group: GroupObserved): Decision[] {
  if (!isIntact(group) || verdict.state !== "healthy") return [];
  return [
    act("repair", { kind: "return-server", server: name }, `${group.id} serves, and nothing is wrong with ${name}`),
  ];
}

function fence(server: Quarantined, seen: Observed, policy: FailoverPolicy): Decision[] {
  const { name, bmc, verdict, quarantine, powerOffAskedMs } = server;
  const untilMs = quarantine.sinceMs + policy.fenceWithinMs;
  const told = `${name}: ${server.fence.reason}`;
  if (bmc && powerOffAskedMs === null) {
    const emptyMs = quarantine.sinceMs + policy.emptyWithinMs;
    // A server that is heard can end its processes by itself, which is quicker than a boot.
    if (verdict.state !== "blind" && seen.atMs < emptyMs) return [wait("emptying", emptyMs, told)];
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

function treat(
  { name, quarantine, verdict, power, bmc }: Quarantined,
  remedy: Quarantined["quarantine"]["remedy"],
): Decision[] {
  const why = `${name}: ${verdict.state === "suspect" ? verdict.reason : quarantine.remedy}`;
  if (remedy === "failover-support") {
    return [escalate("needs-hands", why, `mend ${name}, then: tandem server return ${name}`)];
  }
  // A machine that is off, or that nobody hears, cannot reset a GPU: for it the next rung is a boot.
  const boot = power === "off" || verdict.state === "blind" || remedy === "failover-reboot";
  if (boot && !bmc && verdict.state === "blind") {
    return [escalate("needs-hands", why, `${name} has no BMC in the spec: start it by hand`)];
  }
  return [act("repair", { kind: "treat", server: name, remedy: boot ? "failover-reboot" : remedy }, why)];
}
