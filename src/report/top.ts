import { alarmText } from "./alarms.ts";
import type { Dashboard } from "./dashboard/dashboard.ts";
import type { GroupPanel } from "./dashboard/group-panel.ts";
import type { GpuPanel, ServerPanel } from "./dashboard/server-panel.ts";
import { ago } from "./decision.ts";
import type { Paint } from "./paint.ts";
import { table } from "./table.ts";

const BARS = "▁▂▃▄▅▆▇█";
const MOVES = 3;
const DRILLS = 3;
/** One sign a GPU; the legend says them when one is not well. */
const SIGNS: Record<GpuPanel["state"], string> = { well: "●", watch: "▲", bad: "✖", missing: "∅", unknown: "?" };

/**
 * What `tandem top` shows: the same as the reconciler's page, in the same order. What is wrong, stopped or pending comes first.
 *
 * @param width columns of the terminal, for the picture of tokens; lines may be longer
 * @param isFirstLook whoever could say who serves may not have been heard yet: that is no alarm
 */
export function topText(shown: Dashboard, width: number, paint: Paint, isFirstLook = false): string {
  const nowMs = Date.parse(shown.at);
  return [
    headLine(shown, nowMs, paint, isFirstLook),
    ...shown.alarms.map((alarm) => paint(alarm.tone === "note" ? "name" : "warning", alarmText(alarm, nowMs))),
    decisionLine(shown, nowMs, paint),
    "",
    ...tokenLines(shown, width),
    "",
    ...groupLines(shown, paint),
    ...ladderLines(shown, nowMs, paint),
    "",
    ...gatewayLines(shown),
    ...historyLines(shown, nowMs),
    "",
  ].join("\n");
}

function headLine(
  { stack, model, active, activeSince, epoch, mode, redundancy }: Dashboard,
  nowMs: number,
  paint: Paint,
  isFirstLook: boolean,
): string {
  const nobody = isFirstLook ? "nobody has answered yet" : "NOBODY SERVES";
  const serves = active === null ? nobody : `group ${active} serves`;
  const since = activeSince === null ? "" : ` since ${ago(activeSince, nowMs)}`;
  const more = [`epoch ${epoch}`, mode, redundancy].filter((part) => part !== null);
  return paint("heading", [`${stack} · ${model}`, `${serves}${since}`, ...more].join(" · "));
}

function decisionLine({ decision }: Dashboard, nowMs: number, paint: Paint): string {
  if (decision === null) return "decision  nothing is decided";
  const { kind, reason, detail, since } = decision;
  const text = `decision  ${kind} ${reason}: ${detail} (since ${ago(since, nowMs)})`;
  return kind === "hold" ? paint("good", text) : paint("warning", text);
}

function tokenLines({ flow, groups, gateways }: Dashboard, width: number): string[] {
  const requests = gateways.reduce((sum, gateway) => sum + gateway.requests, 0);
  const gap = flow.gapMs === null ? "no stream is open" : `longest gap now ${(flow.gapMs / 1000).toFixed(2)} s`;
  const room = Math.max(10, Math.min(width, 120) - 20);
  const most = Math.max(1, ...Object.values(flow.rates).flat());
  const rows = groups.map(({ id, tokensPerSecond }) => {
    const bars = (flow.rates[id] ?? [])
      .slice(-room)
      .map((rate) => (rate === 0 ? " " : BARS[Math.ceil((rate / most) * BARS.length) - 1]));
    return `${`group ${id}`.padEnd(10)}${String(tokensPerSecond).padStart(6)}/s  ${bars.join("").trimEnd()}`;
  });
  return [`${flow.perSecond} tokens a second · ${requests} requests · ${gap}`, ...rows];
}

function groupLines({ groups, spares }: Dashboard, paint: Paint): string[] {
  const rows = groups.flatMap((group) => group.servers.map((server, at) => serverRow(at === 0 ? group : null, server)));
  const others = spares.map((server) => serverRow({ id: "-", role: "none", run: "unknown" } as GroupPanel, server));
  const lines = table([["GROUP", "ROLE", "RUN", "SERVER", "STATE", "GPUS", "HOTTEST", "WHY"], ...rows, ...others], "");
  const odd = [...groups.flatMap(({ servers }) => servers), ...spares].flatMap(({ name, gpus }) =>
    gpus
      .filter(({ state, reason }) => state !== "well" && reason !== "")
      .map(({ index, state, reason }) =>
        paint("warning", `  ${name} GPU ${index} ${SIGNS[state]} ${state}: ${reason}`),
      ),
  );
  return [...lines, ...odd];
}

function serverRow(
  group: GroupPanel | null,
  { name, verdict, heard, service, reason, quarantine, gpus }: ServerPanel,
): string[] {
  const hottest = Math.max(...gpus.map(({ temperatureC }) => temperatureC ?? Number.NEGATIVE_INFINITY));
  const state = service === "in service" ? (heard ? verdict : "not heard") : service;
  return [
    group?.id ?? "",
    group === null ? "" : group.role,
    group === null || group.run === "unknown" ? "" : group.run,
    name,
    state,
    gpus.map((gpu) => SIGNS[gpu.state]).join(""),
    Number.isFinite(hottest) ? `${hottest} °C` : "",
    quarantine === null ? (verdict === "healthy" ? "" : reason) : `needs ${quarantine.remedy}: ${quarantine.reason}`,
  ];
}

function ladderLines({ takeover }: Dashboard, nowMs: number, paint: Paint): string[] {
  const { ready, rungs, reasons } = takeover;
  if (rungs.length === 0) return ["", `takeover  ${ready ? "ready" : `NOT READY: ${reasons.join("; ")}`}`];
  const words = rungs.map(({ name, ok, provenAt }) => {
    const when = provenAt === null ? "never" : ago(provenAt, nowMs);
    return ok ? `${name} ${when.replace(" ago", "")}` : paint("warning", `${name.toUpperCase()} ${when}`);
  });
  const verdict = ready ? paint("good", "ready") : paint("warning", `NOT READY: ${reasons.join("; ")}`);
  return ["", `takeover  ${verdict}`, `  proved  ${words.join(" · ")}`];
}

function gatewayLines({ gateways }: Dashboard): string[] {
  const words = gateways.map(({ name, answers, uses, requests }) =>
    answers ? `${name} uses ${uses ?? "nobody"}, ${requests} requests` : `${name} DOES NOT ANSWER`,
  );
  return words.length === 0 ? [] : [`gateway   ${words.join(" · ")}`];
}

function historyLines({ moves, drills }: Dashboard, nowMs: number): string[] {
  const moved = moves.slice(0, MOVES).map(({ at, from, to, why, gapMs, reason }) => {
    const gap = gapMs === null ? "" : `, longest gap ${(gapMs / 1000).toFixed(2)} s`;
    return `${from} -> ${to}  ${why} ${ago(at, nowMs)}${gap}: ${reason}`;
  });
  const drilled = drills
    .slice(0, DRILLS)
    .map(
      ({ scenario, startedAt, result, by }) => `${scenario}  ${result ?? "runs"} ${ago(startedAt, nowMs)}, by ${by}`,
    );
  const told = (name: string, lines: string[]) =>
    lines.map((line, at) => `${(at === 0 ? name : "").padEnd(10)}${line}`);
  return [...told("moves", moved), ...told("drills", drilled)];
}
