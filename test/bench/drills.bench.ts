import { loadavg } from "node:os";
import type { DrillGround } from "../../src/cli/drill/ground.ts";
import { clusterGround } from "../../src/cli/drill/ground-cluster.ts";
import { playDrill } from "../../src/cli/drill/play.ts";
import { readChoices, readPasses } from "../../src/drill/record/read-record.ts";
import { recordsDir } from "../../src/drill/record/record-folder.ts";
import { replay } from "../../src/drill/record/replay.ts";
import { replayPasses } from "../../src/drill/record/replay-passes.ts";
import { scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import { redundantAgain } from "../../src/drill/scenarios/readiness.ts";
import { type DrillReport, SCENARIO_NAMES, type ScenarioName } from "../../src/report/drill.ts";
import { Journal } from "../support/journal.ts";
import { ownMemoryMiB } from "../support/own-memory.ts";
import type { Bench, Measurement } from "./bench.ts";
import { thisCommit, thisMachine } from "./circumstances.ts";
import type { Entry } from "./drills/entry.ts";
import { renderDrills } from "./drills/render.ts";
import { writeSection } from "./section.ts";

/** A stack that runs: `tandem up` first. */
const STACK = process.env.BENCH_STACK ?? "local";
/** Of each scenario; one costs up to a minute and a half with its repair. */
const RUNS = Number(process.env.BENCH_RUNS ?? 3);
const ONLY = (process.env.BENCH_SCENARIOS?.split(",") ?? SCENARIO_NAMES) as readonly ScenarioName[];
/** This process ends by itself before then: the rest is for the next one. */
const SECONDS = Number(process.env.BENCH_SECONDS ?? Number.POSITIVE_INFINITY);
/** Runs that failed to begin, in a row, before this gives up. */
const PATIENCE = 3;
const READY_MS = 240_000;
/** A heap that grows shows after 51 drills as more than what a collector leaves lying. */
const GROWTH_MIB = 64;

/**
 * Every scenario on a running local cluster, one after the other and unattended, as `tandem drill run` does it. Each run is
 * written down when it is over, so that a bench that was ended goes on where it stopped; BENCH_FRESH=1 begins anew. When every
 * scenario has run, the table of docs/benchmarks.md is written.
 */
export const bench: Bench = async () => {
  const journal = new Journal<Entry>(`drills-${STACK}`);
  if (process.env.BENCH_FRESH === "1") journal.clear();
  const of = (name: ScenarioName) => journal.entries.filter(({ report }) => report.scenario === name);
  const endMs = performance.now() + SECONDS * 1_000;
  let failures = 0;
  const commit = await thisCommit();
  const ground = await clusterGround(STACK, new AbortController().signal, tell);
  try {
    for (let run = 0; run < RUNS; run++)
      for (const name of ONLY) {
        if (of(name).length > run || performance.now() > endMs) continue;
        try {
          const report = await play(ground, name);
          const load = loadavg()[0] ?? Number.NaN;
          const entry = { report, ...(await madeAgain(report)), memoryMiB: await ownMemoryMiB(), load, commit };
          journal.add(entry);
          tell(line(entry));
          failures = 0;
        } catch (error) {
          tell(`${name}: ${(error as Error).stack}`);
          if (++failures >= PATIENCE) throw error;
        }
      }
  } finally {
    await ground.close();
  }
  // A part of them would take the place of the whole.
  if (SCENARIO_NAMES.every((name) => of(name).length > 0)) writeDrills(journal.entries);
  return measurements(ONLY.flatMap((name) => of(name).slice(0, RUNS)));
};

async function play(ground: DrillGround, name: ScenarioName): Promise<DrillReport> {
  if ((await redundantAgain(ground.arena, READY_MS)) === null)
    throw new Error(`not redundant before ${name}: ${(await ground.arena.readiness()).against.join("; ")}`);
  const options = { stack: STACK, streams: 20, destructive: true, yes: true, output: "text" } as const;
  const io = { say: () => {}, signal: new AbortController().signal };
  return playDrill(ground, scenarioOf(name, "cluster"), options, io);
}

function writeDrills(entries: readonly Entry[]): void {
  const machine = thisMachine();
  const date = new Date().toISOString().slice(0, 10);
  writeSection("drills", renderDrills(entries, SCENARIO_NAMES, { date, ...machine }));
}

function tell(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

function line({ report, differences, decisions }: Entry): string {
  const phases = report.phases.map(({ phase, seconds }) => `${phase} ${seconds?.toFixed(2) ?? "never"}`).join(", ");
  const verdict = report.passed ? "passed" : `FAILED: ${report.failures.join("; ")}`;
  return `${report.scenario} on ${report.victim ?? "nobody"}: ${phases}; ${decisions} decisions, ${differences} differ; ${report.seconds.toFixed(0)} s; ${verdict}`;
}

async function madeAgain({ id }: DrillReport): Promise<Pick<Entry, "differences" | "decisions">> {
  const folder = `${recordsDir(STACK)}/${id}`;
  const both = [replay(await readChoices(folder)), replayPasses(await readPasses(folder))];
  const sum = (of: (one: (typeof both)[0]) => number) => both.reduce((total, one) => total + of(one), 0);
  return { differences: sum(({ differences }) => differences.length), decisions: sum(({ choices }) => choices) };
}

function measurements(entries: readonly Entry[]): Measurement[] {
  const how = `${entries.length} drills of ${ONLY.length} scenarios, 20 streams each`;
  const sum = (of: (entry: Entry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
  const [first, last] = [entries[0]?.memoryMiB ?? 0, entries.at(-1)?.memoryMiB ?? 0];
  return [
    {
      what: "drills that were not run",
      measured: ONLY.length * RUNS - entries.length,
      limit: 0,
      unit: "requests",
      how,
    },
    {
      what: "drills that failed",
      measured: sum(({ report }) => Number(!report.passed)),
      limit: 0,
      unit: "requests",
      how,
    },
    {
      what: "tokens lost or doubled",
      measured: sum(({ report }) => report.streams.lost + report.streams.doubled),
      limit: 0,
      unit: "tokens",
      how,
    },
    {
      what: "decisions that differ when made again",
      measured: sum((one) => one.differences),
      limit: 0,
      unit: "moves",
      how,
    },
    {
      what: "memory of our programs, growth",
      measured: Math.max(0, last - first),
      limit: GROWTH_MIB,
      unit: "MiB",
      how,
    },
  ];
}
