import { stackAccess } from "../../src/cli/stack-access.ts";
import { BUDGETS } from "../../src/drill/budgets.ts";
import { percentile } from "../../src/drill/timing.ts";
import { ensureEngine } from "../../src/machines/local/engine.ts";
import { FAULT_CLASSES, type FaultClass } from "../../src/report/rehearsal.ts";
import { gateDrill } from "../support/gate-drill.ts";
import { Journal } from "../support/journal.ts";
import { roundWithoutApi } from "../support/round-without-api.ts";
import type { Bench, Measurement } from "./bench.ts";
import { thisCommit, thisMachine } from "./circumstances.ts";
import { type Report, renderFailovers } from "./failover/render.ts";
import { writeSection } from "./section.ts";

/** A stack that runs: `tandem up` first. */
const STACK = process.env.BENCH_STACK ?? "local";
/** `away`: while the API server is gone, and so the reconciler blind. */
const API = process.env.BENCH_API ?? "there";
/** Of each class; a run costs half a minute with its repair. */
const RUNS = Number(process.env.BENCH_RUNS ?? (API === "away" ? 5 : 30));
const CLASSES = (process.env.BENCH_CLASSES?.split(",") ?? FAULT_CLASSES) as readonly FaultClass[];
/** Runs that failed to begin, in a row, before this gives up. */
const PATIENCE = 3;

interface Run {
  fault: FaultClass;
  report: Report;
}
/** A run that could not begin, or not be judged. */
interface Missing {
  fault: FaultClass;
  missing: string;
}

/**
 * Faults of every class on a running local cluster, in turns: a random server, rank and moment, 20 streams with contexts of
 * up to 2,000 tokens. Each run is written down when it is over, so that a bench that was ended goes on where it stopped;
 * BENCH_FRESH=1 begins anew.
 */
export const bench: Bench = async () => {
  for (const fault of CLASSES)
    if (!FAULT_CLASSES.includes(fault))
      throw new Error(`BENCH_CLASSES: no class ${fault}, want ${FAULT_CLASSES.join(", ")}`);
  await stackAccess(STACK);
  if (API !== "there" && API !== "away") throw new Error(`BENCH_API: ${API}, want there or away`);
  const journal = new Journal<Run | Missing>(`failover-${STACK}${API === "away" ? "-without-api" : ""}`);
  if (process.env.BENCH_FRESH === "1") journal.clear();
  const engine = await ensureEngine();
  const reportsOf = (fault: FaultClass) =>
    journal.entries.flatMap((entry) => ("report" in entry && entry.fault === fault ? entry.report : []));
  let failures = 0;
  try {
    for (let run = 0; run < RUNS; run++)
      for (const fault of CLASSES) {
        if (reportsOf(fault).length > run) continue;
        try {
          const { report } = await (API === "away" ? roundWithoutApi(STACK, engine, fault) : gateDrill(STACK, fault));
          journal.add({ fault, report });
          failures = 0;
          tell(fault, report);
        } catch (error) {
          const missing = (error as Error).message;
          process.stderr.write(`  ${fault}: ${missing}\n`);
          journal.add({ fault, missing });
          if (++failures >= PATIENCE) throw error;
        }
      }
  } finally {
    await engine.api.close();
  }
  const missing = journal.entries.filter((entry) => "missing" in entry).length;
  // A part of them would take the place of the whole.
  if (FAULT_CLASSES.every((fault) => reportsOf(fault).length > 0))
    await writeFailovers(new Map(FAULT_CLASSES.map((fault) => [fault, reportsOf(fault)])), missing);
  return CLASSES.flatMap((fault) => measurements(fault, reportsOf(fault).slice(0, RUNS)));
};

async function writeFailovers(runs: Parameters<typeof renderFailovers>[0], missing: number): Promise<void> {
  const date = new Date().toISOString().slice(0, 10);
  const circumstances = { ...thisMachine(), commit: await thisCommit(), date };
  if (API === "there") return writeSection("failover", renderFailovers(runs, missing, circumstances));
  const section = renderFailovers(runs, missing, circumstances, "away");
  writeSection("failover-without-api", section, "BENCH_API=away npm run bench failover");
}

function tell(fault: FaultClass, report: Report): void {
  const phases = report.phases.map(({ phase, seconds }) => `${phase} ${seconds?.toFixed(3) ?? "never"} s`).join(", ");
  process.stderr.write(`  ${fault} on ${report.victim}: ${phases}\n`);
  for (const { stream, problems } of report.streams.failures)
    process.stderr.write(`    ${stream}: ${problems.join("; ")}\n`);
}

function measurements(fault: FaultClass, reports: readonly Report[]): Measurement[] {
  const { p50, max } = BUDGETS[fault];
  const broken = reports.reduce((sum, { streams }) => sum + streams.streams - streams.perfect, 0);
  const carried = reports.reduce((sum, report) => sum + report.streams.carriedOn, 0);
  const how = `${reports.length} runs, ${carried} streams carried on`;
  return [
    ...(["continuation accepted", "next token"] as const).flatMap((phase): Measurement[] => {
      // Of each run the slowest stream counts; one that never goes on takes forever.
      const seconds = reports.map(
        ({ phases }) => phases.find((one) => one.phase === phase)?.seconds ?? Number.POSITIVE_INFINITY,
      );
      return [
        { what: `${fault}: ${phase}, p50`, measured: percentile(seconds, 0.5), limit: p50, unit: "s", how },
        { what: `${fault}: ${phase}, max`, measured: Math.max(...seconds), limit: max, unit: "s", how },
      ];
    }),
    { what: `${fault}: streams that were not carried on whole`, measured: broken, limit: 0, unit: "streams", how },
  ];
}
