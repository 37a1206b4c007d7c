import { alarmsOf, alarmText } from "./alarms.ts";
import { ago, ladderLines } from "./decision.ts";
import type { ReconcilerSide, StackStatus } from "./stack-status.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";

/**
 * The status for a person: what is wrong, stopped or pending comes first, then who serves, who could take over and why not.
 *
 * @param atMs wall clock, for "3 min ago"
 */
export function statusText(status: StackStatus, atMs: number): string {
  const { stack, model, epoch, reason, lastFailover, gateway, reconciler } = status;
  const side = reconciler === null ? [] : [reconciler.mode, reconciler.redundancy];
  return [
    ...alarmsOf(status).map((alarm) => alarmText(alarm, atMs)),
    [stack, model, `epoch ${epoch}`, ...side, gateway.url].join(" · "),
    lastFailover === null ? "no failover since the gateway started" : failoverLine(lastFailover),
    "",
    ...groupLines(status),
    ...serverLines(reconciler),
    ...ladder(status),
    "",
    ...(reconciler === null ? [`decision  ${reason}`] : decisionLines(reconciler, atMs)),
    "",
  ].join("\n");
}

function groupLines({ groups, active, standby, takeover, reconciler }: StackStatus): string[] {
  const rows = Object.entries(groups).map(([id, { servers, state, requests }]) => [
    id,
    id === active ? "active" : id === standby ? "standby" : "-",
    state,
    servers.join(", "),
    String(requests),
    id === active ? "" : canTakeOver(id),
  ]);
  function canTakeOver(id: string): string {
    const { state = "", reason = "" } = groups[id] ?? {};
    if (reconciler === null || id !== standby) return state === "clear" ? "yes" : `no: ${reason}`;
    return takeover.ready ? "yes" : `no: ${takeover.reasons.join("; ")}`;
  }
  return table([["GROUP", "ROLE", "STATE", "SERVERS", "REQUESTS", "CAN TAKE OVER"], ...rows], "");
}

/** Only those that something is to be said of: eight healthy servers say nothing. */
function serverLines(side: ReconcilerSide | null): string[] {
  const told = (side?.servers ?? []).filter(
    ({ verdict, group, quarantine }) => verdict !== "healthy" || quarantine !== undefined || (group ?? null) === null,
  );
  if (told.length === 0) return [];
  const rows = told.map(({ name, group, verdict, reason, quarantine, fence }) => [
    name,
    group ?? (quarantine === undefined ? "spare" : "-"),
    verdict,
    quarantine === undefined ? "in service" : fence?.fenced === true ? "fenced" : "isolated",
    quarantine === undefined ? reason : `needs ${quarantine.remedy}: ${quarantine.reason}`,
  ]);
  return ["", ...table([["SERVER", "GROUP", "VERDICT", "STATE", "WHY"], ...rows], "")];
}

/** In full where a rung does not hold; `tandem explain group` shows it always. */
function ladder({ takeover }: StackStatus): string[] {
  return takeover.ready || takeover.rungs.length === 0 ? [] : ["", ...ladderLines({ takeover })];
}

function decisionLines({ decision }: ReconcilerSide, atMs: number): string[] {
  const { kind, reason, detail, since, until, fix } = decision;
  const times = `since ${ago(since, atMs)}${until === undefined ? "" : `, until ${until}`}`;
  return [
    ...wrap(`${kind} ${reason}: ${detail} (${times})`, "decision  "),
    ...(fix === undefined ? [] : wrap(fix, "  to do: ")),
  ];
}

function failoverLine({ at, from, to, reason, gapMs, carried }: NonNullable<StackStatus["lastFailover"]>): string {
  const streams =
    carried === null
      ? "the gateways have started since"
      : gapMs === null
        ? "no stream was running"
        : `${carried} streams carried on after ${seconds(gapMs)} at most`;
  return `last failover ${at}  ${from} -> ${to}  ${streams}\n  ${reason}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
