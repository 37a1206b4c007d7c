import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench, Measurement } from "./bench.ts";
import { median } from "./bench.ts";
import { CONTENDERS } from "./comparison/contenders.ts";
import { ensurePrograms } from "./comparison/programs.ts";
import { ProxyProcess } from "./comparison/proxy-process.ts";
import { load, quantile } from "./gateway/load.ts";
import { KEY, type Setup, startPlainProxy, startSetup, usageOf } from "./gateway/processes.ts";

const ROUNDS = Number(process.env.BENCH_RUNS ?? 3);
/** Fewer where the machine is shared: `BENCH_STREAMS=300`. */
const STREAMS = Number(process.env.BENCH_STREAMS ?? 500);
/** Of each answer, ten a second: they run together for a good while before the first one ends. */
const TOKENS = Number(process.env.BENCH_TOKENS ?? 150);
const OVER_MS = 2000;

interface Way {
  url: string;
  /** Of the one process that it is; null for the engine itself. */
  pid: number | null;
  /** Processor microseconds of a token while all streams run, and with all that opening them takes. */
  cost: number[];
  withOpening: number[];
  p99Ms: number[];
}

/**
 * What the gateway adds to each token, paired with the same load sent directly; and what a token costs it, beside SGLang's
 * own router and the least that a proxy in Node can do, in turns. Both while all streams run; opening them is told beside it. The first round compiles what is hot, and does not count.
 */
export const bench: Bench = async () => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-bench-"));
  const stops: (() => Promise<void>)[] = [];
  try {
    const setup = await startSetup(100);
    stops.push(setup.stop);
    const ways = await waysOf(setup, folder, stops);
    const rss: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      for (const [name, way] of Object.entries(ways)) await measure(name, way, round >= 0);
      if (round >= 0) rss.push(usageOf(setup.gatewayPid).rssMiB);
    }
    return rowsOf(ways, rss);
  } finally {
    for (const stop of stops) await stop();
    rmSync(folder, { recursive: true });
  }
};

async function waysOf(setup: Setup, folder: string, stops: (() => Promise<void>)[]) {
  const way = (url: string, pid: number | null): Way => ({ url, pid, cost: [], withOpening: [], p99Ms: [] });
  const plain = await startPlainProxy(setup.engineUrl);
  stops.push(plain.stop);
  const contender = CONTENDERS.find(({ id }) => id === "sglang-router-tuned");
  if (contender === undefined) throw new Error("the comparison has no tuned router");
  const engines = [setup.engineUrl, setup.engineUrl] as const;
  const router = await ProxyProcess.start(contender, { programs: await ensurePrograms(), engines, folder });
  stops.push(() => router.stop());
  await router.ready(1);
  return {
    direct: way(setup.engineUrl, null),
    gateway: way(setup.gatewayUrl, setup.gatewayPid),
    router: way(router.baseUrl.replace("/v1", ""), router.pid),
    plain: way(plain.url, plain.pid),
  };
}

async function measure(name: string, way: Way, counts: boolean): Promise<void> {
  const cpuUs = () => (way.pid === null ? 0 : usageOf(way.pid).cpuUs);
  const spentUs = { before: cpuUs(), steadyFrom: 0, steadyTo: 0 };
  const { steadyMs, latenciesMs, short } = await load(way.url, KEY, {
    streams: STREAMS,
    tokens: TOKENS,
    overMs: OVER_MS,
    onSteady: () => (spentUs.steadyFrom = cpuUs()),
    onSteadyEnd: () => (spentUs.steadyTo = cpuUs()),
  });
  const cost = (spentUs.steadyTo - spentUs.steadyFrom) / steadyMs.length;
  const withOpening = (cpuUs() - spentUs.before) / (STREAMS * TOKENS);
  if (short > 0) throw new Error(`${short} streams through ${name} brought too few tokens`);
  const [p50, p99] = [quantile(steadyMs, 0.5), quantile(steadyMs, 0.99)];
  process.stderr.write(
    `  ${name}: p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} ms (${quantile(latenciesMs, 0.99).toFixed(2)} with opening), ${cost.toFixed(1)} us a token (${withOpening.toFixed(1)})\n`,
  );
  if (!counts) return;
  way.cost.push(cost);
  way.withOpening.push(withOpening);
  way.p99Ms.push(p99);
}

function rowsOf(ways: Record<"direct" | "gateway" | "router" | "plain", Way>, rss: readonly number[]): Measurement[] {
  const { direct, gateway, router, plain } = ways;
  const how = `median of ${ROUNDS} rounds of ${STREAMS} streams, 10 tokens/s at random phases, while all of them run, paired with direct`;
  const beside = (one: Way, which: "cost" | "withOpening" = "cost") =>
    median(gateway[which].map((cost, at) => (100 * cost) / (one[which][at] ?? Number.NaN)));
  const opening = `${beside(router, "withOpening").toFixed(0)} % with what opening and ending answers of ${TOKENS} tokens takes`;
  const added = median(gateway.p99Ms.map((ms, at) => ms - (direct.p99Ms[at] ?? Number.NaN)));
  const routerUs = `the router takes ${median(router.cost).toFixed(1)} us`;
  const addedByRouter = median(router.p99Ms.map((ms, at) => ms - (direct.p99Ms[at] ?? Number.NaN)));
  return [
    {
      what: "gateway: added to a token, p99",
      measured: added,
      limit: 1,
      unit: "ms",
      how: `${how}; SGLang's router adds ${addedByRouter.toFixed(1)}`,
    },
    { what: "gateway: processor time of 1,000 tokens", measured: median(gateway.cost), limit: 35, unit: "ms", how },
    {
      what: "gateway: processor time of a token, of that of SGLang's router",
      measured: beside(router),
      limit: 120,
      unit: "%",
      how: `median of ${ROUNDS} rounds in turns, ${routerUs}; ${beside(plain).toFixed(0)} % of a plain Node proxy's; ${opening}`,
    },
    {
      what: "gateway: memory after the last round, above that after the second",
      // The first rounds fill the heap's young half; BENCH_RUNS=100 is half an hour.
      measured: Math.max(0, (rss.at(-1) ?? 0) - (rss[1] ?? rss[0] ?? 0)),
      limit: 24,
      unit: "MiB",
      how: `${ROUNDS * STREAMS} streams, ${(rss.at(-1) ?? 0).toFixed(0)} MiB in the end`,
    },
  ];
}
