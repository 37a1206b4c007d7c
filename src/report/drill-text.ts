import { type DrillReport, PHASE_MEANINGS } from "./drill.ts";
import type { StreamTally } from "./rehearsal.ts";
import { table } from "./table.ts";
import { flowLines } from "./timeline.ts";

const seconds = (value: number | null) => (value === null ? "never" : value.toFixed(2));
const SHOWN = 5;

/** The end of a drill in a terminal: each phase beside its budget, what the streams noticed, and the verdict. */
export function drillSummary(report: DrillReport): string {
  const rows = report.phases.map(({ phase, seconds: took, budgetSeconds }) => [
    phase,
    seconds(took).padStart(7),
    (budgetSeconds === null ? "" : budgetSeconds.toFixed(2)).padStart(6),
    budgetSeconds !== null && (took === null || took > budgetSeconds) ? "too late" : "",
    PHASE_MEANINGS[phase],
  ]);
  if (report.scenario === "failover")
    return [
      ...table(
        [["AFTER THE FIRST SIGN", "SECONDS", "UNTIL"], ...rows.map(([a = "", b = "", , , c = ""]) => [a, b, c])],
        "",
      ),
      "",
      `a real failover, first sign at ${momentOf(report)} UTC by the gateway's clock: ${report.reason}`,
      `${failoverWords(report.streams)}   ${report.passed ? "RECOVERED" : "NOT RECOVERED"}`,
    ].join("\n");
  return [
    ...flowLines(report.flow, report.timeline[0]?.text.toLowerCase() ?? report.scenario),
    "",
    ...table([["AFTER THE FAULT", "SECONDS", "BUDGET", "", "UNTIL"], ...rows], ""),
    "",
    `fault at ${momentOf(report)} UTC by the injector's own clock stamp; the same clock stamped every token at the client,`,
    "which works out each token by itself, so that one lost, doubled or foreign shows",
    `${streamLine(report.streams)} · drills do not use up the failover budget   ${report.passed ? "PASSED" : "FAILED"}`,
    ...report.failures.map((failure) => `  ${failure}`),
    ...report.streams.failures.slice(0, SHOWN).map(({ stream, problems }) => `  ${stream}: ${problems.join("; ")}`),
  ].join("\n");
}

/** Past drills, the latest last: one line each. */
export function drillTable(reports: readonly DrillReport[]): string {
  const rows = reports.map((report) => [
    report.startedAt.slice(0, 19).replace("T", " "),
    report.scenario,
    report.arena,
    report.victim ?? "",
    seconds(nextToken(report)).padStart(7),
    report.scenario === "failover" ? "" : `${report.streams.perfect}/${report.streams.streams}`,
    report.passed ? "passed" : "FAILED",
    report.failures[0] ?? "",
  ]);
  return table([["STARTED (UTC)", "SCENARIO", "WHERE", "HIT", "SECONDS", "STREAMS", "", ""], ...rows], "").join("\n");
}

/** The phase that clients feel: until the slowest stream goes on, or else until the decision. */
export function nextToken({ phases }: DrillReport): number | null {
  const of = (name: string) => phases.find(({ phase }) => phase === name)?.seconds ?? null;
  return of("next token") ?? of("decided");
}

const momentOf = ({ faultAt, startedAt }: DrillReport) => (faultAt ?? startedAt).replace("T", " ").replace("Z", "");

/** Of a real failover nobody has counted tokens: what the gateways know is how many went on, and after how long. */
export function failoverWords({ carriedOn, longestPauseSeconds }: StreamTally): string {
  return `${carriedOn} streams were carried on · longest pause ${longestPauseSeconds.toFixed(2)} s, by the gateway's own count`;
}

function streamLine({ streams, carriedOn, tokens, lost, doubled, foreign, longestPauseSeconds }: StreamTally): string {
  return (
    `${streams} streams, ${carriedOn} carried on · ${tokens} tokens: ${lost} lost, ${doubled} doubled, ${foreign} foreign` +
    ` · longest pause ${longestPauseSeconds.toFixed(2)} s`
  );
}
