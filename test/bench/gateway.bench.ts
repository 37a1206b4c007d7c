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
  let short = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const direct = await load(setup.engineUrl, KEY, STREAMS, TOKENS, 2000);
      const before = usageOf(setup.gatewayPid);
      const through = await load(setup.gatewayUrl, KEY, STREAMS, TOKENS, 2000);
      const after = usageOf(setup.gatewayPid);
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
  ];
  return rows;
};
