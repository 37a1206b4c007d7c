import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { BUDGETS } from "../../src/drill/budgets.ts";
import { World } from "../../src/drill/world/world.ts";
import { tandemHome } from "../../src/machines/home.ts";
import type { FaultClass } from "../../src/report/rehearsal.ts";
import { localPlan } from "../support/rehearsal-session.ts";
import type { Bench, Measurement } from "./bench.ts";
import { thisCommit, thisMachine } from "./circumstances.ts";
import { measureCosts } from "./comparison/cost.ts";
import type { Place } from "./comparison/facts.ts";
import { ensurePrograms, type Programs } from "./comparison/programs.ts";
import { renderComparison } from "./comparison/render.ts";
import type { ComparisonResult } from "./comparison/result.ts";
import { ENGINES, playRound } from "./comparison/round.ts";
import { type Outcome, scoreComparison } from "./comparison/score.ts";
import { summarize } from "./comparison/summary.ts";
import { writeSection } from "./section.ts";

const ALL_FAULTS = ["server-power", "server-freeze", "rank-crash", "network-cut", "engine-hang"] as const;
const FULL_RUNS = 3;
/** Faults of each class; a run of all costs two and a half minutes. */
const RUNS = Number(process.env.BENCH_RUNS ?? FULL_RUNS);
const FAULTS = (process.env.BENCH_FAULTS?.split(",") ?? ALL_FAULTS) as readonly FaultClass[];
/** Said by whoever sees to it that nothing heavy runs beside this. */
const ALONE = process.env.BENCH_ALONE === "1";
/** Measures only what a token costs, and puts that into the last result. */
const ONLY_COSTS = process.env.BENCH_ONLY === "costs";

/** Tandem's gateway, SGLang's router, HAProxy and nginx before the same groups, through the same faults, side by side. */
export const bench: Bench = async () => {
  // So that what listens to the exit of this process ends the proxies.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const programs = await ensurePrograms();
  const record = join(tandemHome(), "bench", "comparison.json");
  if (ONLY_COSTS) {
    const earlier = JSON.parse(readFileSync(record, "utf8")) as ComparisonResult;
    const result = { ...earlier, costs: await costsNow(programs) };
    writeFileSync(record, JSON.stringify(result));
    writeSection("comparison", renderComparison(result));
    return [];
  }
  const loadBefore = loadavg()[0] ?? Number.NaN;
  const outcomes = await playRounds(programs);
  const costs = await costsNow(programs);
  const result: ComparisonResult = {
    date: new Date().toISOString().slice(0, 10),
    commit: await thisCommit(),
    versions: programs.versions,
    machine: thisMachine(),
    load: [loadBefore, loadavg()[0] ?? Number.NaN],
    alone: ALONE,
    runs: RUNS,
    outcomes,
    costs,
  };
  mkdirSync(dirname(record), { recursive: true });
  writeFileSync(record, JSON.stringify(result));
  // A part of it would take the place of the whole.
  if (RUNS >= FULL_RUNS && FAULTS.length === ALL_FAULTS.length) writeSection("comparison", renderComparison(result));
  else process.stderr.write(`${renderComparison(result)}\n`);
  return FAULTS.flatMap((fault) => limits(fault, outcomes));
};

async function costsNow(programs: Programs): Promise<ComparisonResult["costs"]> {
  const load = loadavg()[0] ?? Number.NaN;
  const rows = await measureCosts(programs, ({ id, usPerToken, p50Ms, p99Ms }) =>
    process.stderr.write(`  ${id}: ${usPerToken.toFixed(1)} us a token, ${p50Ms.toFixed(2)}, ${p99Ms.toFixed(2)} ms\n`),
  );
  // Field 41 of proc_pid_stat(5), counted after the name: 1 is SCHED_FIFO, 2 is SCHED_RR.
  const policy = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ")[38];
  return { load, realTime: policy === "1" || policy === "2", rows };
}

async function playRounds(programs: Programs): Promise<Outcome[]> {
  const world = await World.create({ plan: localPlan("deepseek-v3.1"), dark: true, engineEnv: ENGINES });
  const outcomes: Outcome[] = [];
  try {
    await Promise.all(world.groups.map((group) => world.startGroup(group)));
    for (let run = 0; run < RUNS; run++)
      for (const fault of FAULTS) {
        const scored = await scoredRound(world, programs, fault, run % 2 === 0 ? "rank 0" : "another");
        for (const outcome of scored) process.stderr.write(`  ${line(outcome)}\n`);
        outcomes.push(...scored);
      }
    return outcomes;
  } finally {
    await world.close();
  }
}

/** Once more if it did not begin: a proxy or an engine that a busy machine lets wait says nothing about the fault. */
async function scoredRound(world: World, programs: Programs, fault: FaultClass, place: Place): Promise<Outcome[]> {
  try {
    return scoreComparison(await playRound(world, programs, fault, place));
  } catch (error) {
    process.stderr.write(`  ${fault}, ${place}: once more, ${(error as Error).message}\n`);
    return scoreComparison(await playRound(world, programs, fault, place));
  }
}

function line(outcome: Outcome): string {
  const { id, fault, place, struck, gapsSeconds, cutSeconds, silent, probes, probesFailed } = outcome;
  const gap = gapsSeconds.length === 0 ? "" : ` after ${Math.max(...gapsSeconds).toFixed(2)} s at most`;
  return (
    `${fault}, ${place}: ${id}: ${gapsSeconds.length} of ${struck} streams went on${gap}, ` +
    `${cutSeconds.length} cut off, ${silent} silent; ${probesFailed} of ${probes} new requests failed`
  );
}

/** Only Tandem has limits here: the budget of the class and 0.5 s for the prefill, and nothing lost. */
function limits(fault: FaultClass, outcomes: readonly Outcome[]): Measurement[] {
  const own = summarize(outcomes.filter((outcome) => outcome.id === "tandem" && outcome.fault === fault));
  const how = `${own.rounds} faults, ${own.struck} streams, ${own.probes} new requests`;
  const gap = own.carriedOn < own.struck ? Number.POSITIVE_INFINITY : (own.gapSeconds?.max ?? Number.NaN);
  const zero = (what: string, measured: number, unit: Measurement["unit"]): Measurement => ({
    what: `${fault}: Tandem, ${what}`,
    measured,
    limit: 0,
    unit,
    how,
  });
  return [
    { what: `${fault}: Tandem, longest silence`, measured: gap, limit: BUDGETS[fault].max + 0.5, unit: "s", how },
    zero("streams that did not go on", own.struck - own.carriedOn, "streams"),
    zero("tokens doubled", own.tokensDoubled, "tokens"),
    zero("new requests failed", own.probesFailed, "requests"),
  ];
}
