import { BUDGETS } from "../../src/drill/budgets.ts";
import { percentile } from "../../src/drill/timing.ts";
import { FAULT_CLASSES, type FaultClass } from "../../src/report/rehearsal.ts";
import { Journal } from "../support/journal.ts";
import { RehearsalSession } from "../support/rehearsal-session.ts";
import type { Bench, Measurement } from "./bench.ts";
import { thisCommit, thisMachine } from "./circumstances.ts";
import { keepWhy } from "./rehearsal-failover/keep-why.ts";
import { renderRehearsals } from "./rehearsal-failover/render.ts";
import { type Run, runOf, secondsOf } from "./rehearsal-failover/run.ts";
import { writeSection } from "./section.ts";

/** Of each class. */
const RUNS = Number(process.env.BENCH_RUNS ?? 5);
/** Rehearsals beside each other: most of a run is waiting, and one takes a quarter of a core. */
const WORLDS = Number(process.env.BENCH_WORLDS ?? 3);
/** After so long no run begins any more; the next bench goes on where this one stopped. */
const MINUTES = Number(process.env.BENCH_MINUTES ?? Number.POSITIVE_INFINITY);
const STREAMS = 20;
/** Every stream is in the middle of its answer when the fault comes, and nobody waits long for its end. */
const ANSWER_TOKENS = { min: 60, max: 100 };
/** Runs that failed to begin, in a row, before this gives up. */
const PATIENCE = 3;

interface Missing {
  fault: FaultClass;
  missing: string;
}

/**
 * Each failure class in the rehearsal, in turns, one gateway for all faults of a world: a random server, rank and moment, 20
 * streams with contexts of up to 2,000 tokens. `BENCH_RUNS=1000 npm run bench rehearsal-failover` takes about three hours;
 * each run is written down when it is over, and BENCH_FRESH=1 begins anew.
 */
export const bench: Bench = async () => {
  const journal = new Journal<Run | Missing>("rehearsal-failover");
  if (process.env.BENCH_FRESH === "1") journal.clear();
  const commit = await thisCommit();
  const runsOf = (fault: FaultClass) =>
    journal.entries.filter((entry): entry is Run => !("missing" in entry) && entry.fault === fault);
  const endMs = performance.now() + MINUTES * 60_000;
  const underWay = new Map<FaultClass, number>();
  const next = (): FaultClass | undefined => {
    // The class with the fewest runs: a machine that is busy for a while is busy for all of them.
    const counts = FAULT_CLASSES.map((fault) => ({ fault, count: runsOf(fault).length + (underWay.get(fault) ?? 0) }));
    const [fewest] = counts.toSorted((a, b) => a.count - b.count);
    return fewest === undefined || fewest.count >= RUNS || performance.now() > endMs ? undefined : fewest.fault;
  };
  let failures = 0;
  const work = async (): Promise<void> => {
    let session: RehearsalSession | null = null;
    try {
      for (let fault = next(); fault !== undefined; fault = next()) {
        underWay.set(fault, (underWay.get(fault) ?? 0) + 1);
        try {
          session ??= await RehearsalSession.start("deepseek-v3.1", { oneGateway: true });
          const report = await session.round({ fault, streams: STREAMS, answerTokens: ANSWER_TOKENS });
          const run = runOf(report, commit);
          journal.add(run);
          failures = 0;
          const isLate = (run.nextTokenSeconds ?? Number.POSITIVE_INFINITY) > BUDGETS[fault].max;
          if (isLate || report.streams.failures.length > 0) {
            const path = await keepWhy(session, "amiss");
            process.stderr.write(
              `${fault} on ${report.victim}: ${run.nextTokenSeconds} s: ${report.reason}\n  ${path}\n`,
            );
          }
          for (const { stream, problems } of report.streams.failures)
            process.stderr.write(`${fault} on ${report.victim}: ${stream}: ${problems.join("; ")}\n`);
        } catch (error) {
          const missing = (error as Error).message;
          const path = session === null ? "" : await keepWhy(session, "not-begun");
          process.stderr.write(`  ${fault}: ${missing}\n  ${path}\n`);
          journal.add({ fault, missing });
          await session?.close();
          session = null;
          if (++failures >= PATIENCE) throw error;
        } finally {
          underWay.set(fault, (underWay.get(fault) ?? 1) - 1);
        }
      }
    } finally {
      await session?.close();
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: WORLDS }, work));
  const refused = ended.find(({ status }) => status === "rejected");
  if (refused?.status === "rejected") throw refused.reason;
  const runs = new Map(FAULT_CLASSES.map((fault) => [fault, runsOf(fault)]));
  const machine = thisMachine();
  const missing = journal.entries.filter((entry) => "missing" in entry).length;
  const date = new Date().toISOString().slice(0, 10);
  writeSection("rehearsal-failover", renderRehearsals(runs, missing, { ...machine, date, worlds: WORLDS }));
  return [...runs].flatMap(([fault, list]) => measurements(fault, list));
};

function measurements(fault: FaultClass, runs: readonly Run[]): Measurement[] {
  const { max } = BUDGETS[fault];
  const carried = runs.reduce((sum, { carriedOn }) => sum + carriedOn, 0);
  const broken = runs.reduce((sum, { streams, perfect }) => sum + streams - perfect, 0);
  const how = `${runs.length} runs, ${carried} streams carried on`;
  const p99 = (what: string, phase: "acceptedSeconds" | "nextTokenSeconds"): Measurement => {
    const seconds = secondsOf(runs, phase);
    const spread = `median ${percentile(seconds, 0.5).toFixed(2)}, worst ${percentile(seconds, 1).toFixed(2)}`;
    return {
      what: `${fault}: ${what}, p99`,
      measured: percentile(seconds, 0.99),
      limit: max,
      unit: "s",
      how: `${spread}; ${how}`,
    };
  };
  return [
    p99("continuation accepted", "acceptedSeconds"),
    p99("next token", "nextTokenSeconds"),
    { what: `${fault}: streams that were not carried on whole`, measured: broken, limit: 0, unit: "streams", how },
  ];
}
