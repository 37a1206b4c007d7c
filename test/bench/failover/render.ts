import { BUDGETS } from "../../../src/drill/budgets.ts";
import type { DrillReport } from "../../../src/report/drill.ts";
import type { FaultClass, RehearsalReport } from "../../../src/report/rehearsal.ts";
import { type DrillsMachine, span } from "../drills/render.ts";

export type Report = DrillReport | RehearsalReport;

const SHOWN = [
  ["continuation accepted", "moved"],
  ["next token", "next token"],
  ["old group isolated", "isolated"],
  ["fenced", "fenced"],
  ["redundant again", "redundant again"],
] as const;

/**
 * The section of docs/benchmarks.md: each failure class with what it may take beside what it took. Pure.
 *
 * @param missing runs that did not begin
 */
export function renderFailovers(
  runs: ReadonlyMap<FaultClass, readonly Report[]>,
  missing: number,
  { date, commit, cpus, model, kernel }: DrillsMachine & { commit: string },
  api: "there" | "away" = "there",
): string {
  const shown = SHOWN.filter(([phase]) => api === "there" || isOfGateway(phase));
  const all = [...runs.values()].flat();
  const sum = (of: (report: Report) => number) => all.reduce((total, report) => total + of(report), 0);
  return [
    api === "there" ? "## Failovers on the local cluster" : "## Failovers on the local cluster, without API server",
    "",
    `Measured up to ${date}, the last run with Tandem ${commit}, on ${cpus} × ${model}, Linux ${kernel}. Real Kubernetes, emulated engines; a random server, rank and moment, 20 streams with contexts of up to 2,000 tokens. Seconds from the fault, as median and worst, of each run its slowest stream; in brackets what median and worst may be. The next token comes when the other group has read what its prefix cache lacks of the contexts (33,000 tokens a second in the emulator). ${api === "there" ? "Isolated, fenced and redundant again are the reconciler's work; a rebuilt group loads for some ten seconds." : "The API server is killed before the fault and comes back after the last answer, so that no reconciler acts."}`,
    "",
    `| fault | runs | ${shown.map(([, title]) => title).join(" | ")} | streams carried on, whole |`,
    `| --- | --- | ${shown.map(() => "---").join(" | ")} | --- |`,
    ...[...runs].map(([fault, reports]) => row(fault, reports, shown)),
    "",
    `${sum(({ streams }) => streams.tokens)} tokens of ${sum(({ streams }) => streams.streams)} streams: ${sum(({ streams }) => streams.lost)} lost, ${sum(({ streams }) => streams.doubled)} doubled, ${sum(({ streams }) => streams.foreign)} foreign. Runs that did not begin, and are in no row: ${missing}.`,
  ].join("\n");
}

type Phase = (typeof SHOWN)[number][0];
const isOfGateway = (phase: Phase) => phase === "continuation accepted" || phase === "next token";

function row(fault: FaultClass, reports: readonly Report[], shown: readonly (readonly [Phase, string])[]): string {
  const { p50, max } = BUDGETS[fault];
  const times = shown.map(([phase]) => {
    const seconds = reports.flatMap((report) => report.phases.filter((one) => one.phase === phase));
    const text = span(seconds.map((one) => one.seconds));
    return isOfGateway(phase) ? `${text} (${p50}, ${max})` : text;
  });
  const carried = reports.reduce((total, { streams }) => total + streams.carriedOn, 0);
  const perfect = reports.every(({ streams }) => streams.perfect === streams.streams);
  return `| ${fault} | ${reports.length} | ${times.join(" | ")} | ${carried}, ${perfect ? "all" : "NOT ALL"} |`;
}
