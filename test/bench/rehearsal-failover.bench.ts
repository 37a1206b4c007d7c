import { BUDGETS } from "../../src/drill/budgets.ts";
import { percentile } from "../../src/drill/timing.ts";
import { FAULT_CLASSES, type FaultClass, type RehearsalReport } from "../../src/report/rehearsal.ts";
import { RehearsalSession } from "../support/rehearsal-session.ts";
import type { Bench, Measurement } from "./bench.ts";

/** Rounds of each class: `BENCH_RUNS=1000 BENCH_FAULTS=server-power,gpu-xid npm run bench rehearsal-failover`. */
const RUNS = Number(process.env.BENCH_RUNS ?? 5);
const FAULTS = (process.env.BENCH_FAULTS?.split(",") ?? FAULT_CLASSES) as readonly FaultClass[];
const STREAMS = 20;

/** Each failure class in the rehearsal, one gateway for all: a random server, rank and moment, 20 streams with contexts of up to 2,000 tokens. */
export const bench: Bench = async () => {
  const session = await RehearsalSession.start("deepseek-v3.1", { oneGateway: true });
  const reports = new Map<FaultClass, RehearsalReport[]>(FAULTS.map((fault) => [fault, []]));
  try {
    // In turns, so that a machine that is busy for a while is busy for all of them.
    for (let run = 0; run < RUNS; run++)
      for (const fault of FAULTS) {
        const report = await session.round({ fault, streams: STREAMS });
        reports.get(fault)?.push(report);
        for (const { stream, problems } of report.streams.failures)
          process.stderr.write(`${fault} on ${report.victim}: ${stream}: ${problems.join("; ")}\n`);
      }
  } finally {
    await session.close();
  }
  return [...reports].flatMap(([fault, list]) => measurements(fault, list));
};

function measurements(fault: FaultClass, reports: readonly RehearsalReport[]): Measurement[] {
  const carried = reports.flatMap((report) => report.carried);
  const { p50, max } = BUDGETS[fault];
  const how = `${reports.length} runs, ${carried.length} streams carried on`;
  const rows = [
    ["continuation accepted", p50, carried.map(({ acceptedSeconds }) => acceptedSeconds)],
    // A stream that never goes on takes forever.
    ["next token", p50, carried.map(({ nextTokenSeconds }) => nextTokenSeconds ?? Number.POSITIVE_INFINITY)],
  ] as const;
  const broken = reports.reduce((sum, { streams }) => sum + streams.streams - streams.perfect, 0);
  return [
    ...rows.flatMap(([phase, half, seconds]): Measurement[] => [
      { what: `${fault}: ${phase}, p50`, measured: percentile(seconds, 0.5), limit: half, unit: "s", how },
      { what: `${fault}: ${phase}, p99`, measured: percentile(seconds, 0.99), limit: max, unit: "s", how },
      { what: `${fault}: ${phase}, max`, measured: Math.max(...seconds), limit: max, unit: "s", how },
    ]),
    { what: `${fault}: streams that were not carried on whole`, measured: broken, limit: 0, unit: "streams", how },
  ];
}
