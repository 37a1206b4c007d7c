import type { Bench, Measurement } from "./bench.ts";
import { median } from "./bench.ts";
import { load, quantile } from "./gateway/load.ts";
import { KEY, startSetup, usageOf } from "./gateway/processes.ts";

const ROUNDS = Number(process.env.BENCH_RUNS ?? 3);
const STREAMS = 500;
const TOKENS = 100;

/** What the gateway adds to each token, paired with the same load sent directly; and what a token costs it. */
export const bench: Bench = async () => {
  const setup = await startSetup(100);
  const added: number[] = [];
  const cost: number[] = [];
  const rss: number[] = [];
  let short = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const direct = await load(setup.engineUrl, KEY, STREAMS, TOKENS, 2000);
      const before = usageOf(setup.gatewayPid);
      const through = await load(setup.gatewayUrl, KEY, STREAMS, TOKENS, 2000);
      const after = usageOf(setup.gatewayPid);
      rss.push(after.rssMiB);
      short += direct.short + through.short;
      added.push(quantile(through.latenciesMs, 0.99) - quantile(direct.latenciesMs, 0.99));
      cost.push((after.cpuUs - before.cpuUs) / (STREAMS * TOKENS));
      process.stderr.write(
        `  direct p50 ${quantile(direct.latenciesMs, 0.5).toFixed(2)} p99 ${quantile(direct.latenciesMs, 0.99).toFixed(2)} ms, ` +
          `through p50 ${quantile(through.latenciesMs, 0.5).toFixed(2)} p99 ${quantile(through.latenciesMs, 0.99).toFixed(2)} ms, ` +
          `${cost.at(-1)?.toFixed(1)} us a token, ${after.rssMiB.toFixed(0)} MiB\n`,
      );
    }
  } finally {
    await setup.stop();
  }
  if (short > 0) throw new Error(`${short} streams brought too few tokens`);
  const how = `median of ${ROUNDS} rounds of ${STREAMS} streams, 10 tokens/s, paired with direct`;
  const rows: Measurement[] = [
    { what: "gateway: added to a token, p99", measured: median(added), limit: 1, unit: "ms", how },
    { what: "gateway: processor time of 1,000 tokens", measured: median(cost), limit: 35, unit: "ms", how },
    {
      what: "gateway: memory after the last round, above that after the second",
      // The first rounds fill the heap's young half; BENCH_RUNS=100 is half an hour.
      measured: Math.max(0, (rss.at(-1) ?? 0) - (rss[1] ?? rss[0] ?? 0)),
      limit: 24,
      unit: "MiB",
      how: `${ROUNDS * STREAMS} streams, ${(rss.at(-1) ?? 0).toFixed(0)} MiB in the end`,
    },
  ];
  return rows;
};
