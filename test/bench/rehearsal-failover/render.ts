import { BUDGETS } from "../../../src/drill/budgets.ts";
import { percentile } from "../../../src/drill/timing.ts";
import type { FaultClass } from "../../../src/report/rehearsal.ts";
import type { DrillsMachine } from "../drills/render.ts";
import { type Run, secondsOf } from "./run.ts";

/**
 * The section of docs/benchmarks.md: each failure class with its median, its 99th percentile and its worst. Pure.
 *
 * @param missing runs that did not begin
 */
export function renderRehearsals(
  runs: ReadonlyMap<FaultClass, readonly Run[]>,
  missing: number,
  { date, cpus, model, kernel, worlds }: DrillsMachine & { worlds: number },
): string {
  const all = [...runs.values()].flat();
  const commits = [...new Set(all.map(({ commit }) => commit))].join(", ");
  const sum = (of: (run: Run) => number) => all.reduce((total, run) => total + of(run), 0);
  return [
    "## Failovers in the rehearsal",
    "",
    `Measured up to ${date} with Tandem ${commits} on ${cpus} × ${model}, Linux ${kernel}, which also ran the engines, the clients and, beside each other, ${worlds} rehearsals. The same gateway and agents as processes, no reconciler; a random server, rank and moment, 20 streams with contexts of up to 2,000 tokens. Seconds from the fault, of each run its slowest stream; in brackets what the 99th percentile may be.`,
    "",
    "| fault | runs | moved: p50 | p99 | worst | next token: p50 | p99 | worst | streams carried on, whole |",
    `| ${Array.from({ length: 9 }, () => "---").join(" | ")} |`,
    ...[...runs].map(([fault, own]) => row(fault, own)),
    "",
    `${sum(({ tokens }) => tokens)} tokens of ${sum(({ streams }) => streams)} streams: ${sum(({ lost }) => lost)} lost, ${sum(({ doubled }) => doubled)} doubled, ${sum(({ foreign }) => foreign)} foreign. Runs that did not begin, and are in no row: ${missing}.`,
  ].join("\n");
}

function row(fault: FaultClass, runs: readonly Run[]): string {
  const times = (["acceptedSeconds", "nextTokenSeconds"] as const).flatMap((phase) => {
    const seconds = secondsOf(runs, phase);
    const of = (share: number) => percentile(seconds, share).toFixed(2);
    return [of(0.5), `${of(0.99)} (${BUDGETS[fault].max})`, of(1)];
  });
  const carried = runs.reduce((total, { carriedOn }) => total + carriedOn, 0);
  const perfect = runs.every((run) => run.perfect === run.streams);
  return `| ${fault} | ${runs.length} | ${times.join(" | ")} | ${carried}, ${perfect ? "all" : "NOT ALL"} |`;
}
