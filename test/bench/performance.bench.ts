import { performance } from "node:perf_hooks";
import { CONSTANT_NAMES, FITTED } from "../../src/plan/performance/constants.ts";
import { predict, USED_POINTS } from "../../src/plan/performance/points.ts";
import { HALF_WIDTH } from "../../src/plan/performance/range.ts";
import type { SizeAsk } from "../../src/plan/size/ask.ts";
import { sizeFor } from "../../src/plan/size/size.ts";
import { GPU_KINDS } from "../../src/spec/schema.ts";
import { besideAiconfigurator } from "../plan/performance-beside.ts";
import { type LeftOut, leaveOneSourceOut } from "../plan/performance-fit.ts";
import { tandem } from "../support/cli.ts";
import { type Bench, median } from "./bench.ts";

const ROUNDS = 200;
const SIZES = 10;
const COMMANDS = 5;
const ASK: SizeAsk = {
  users: 40,
  inputTokens: 2000,
  outputTokens: 500,
  prefixHitRate: 0,
  ttftSeconds: 2,
  tokensPerSecond: 20,
  survive: "server",
  model: "deepseek-r1-0528",
  gpus: GPU_KINDS,
  fabric: { kind: "infiniband", gbPerSecond: 50 },
  speculative: false,
  maxServers: 8,
};

/** How well the model meets runs of sources that its fit has not seen, and how many shapes it judges a second. */
export const bench: Bench = async () => {
  const left = leaveOneSourceOut();
  const percents = left.map(({ error }) => Math.abs(error) * 100);
  const outside = left.filter(({ point, predicted }) => Math.abs(point.measured / predicted - 1) > HALF_WIDTH).length;
  process.stdout.write(`${sourceLines(left)}\n\n${aiconfiguratorLines()}\n\n`);
  const how = `${left.length} points of ${new Set(left.map(({ point }) => point.source)).size} sources`;

  const start = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) for (const point of USED_POINTS) predict(point, FITTED);
  const seconds = (performance.now() - start) / 1000;
  const estimates = ROUNDS * USED_POINTS.length;

  const sizeStart = performance.now();
  for (let round = 0; round < SIZES; round += 1) sizeFor({ ...ASK, users: 40 + round });
  const sizeSeconds = (performance.now() - sizeStart) / 1000 / SIZES;

  const commandSeconds: number[] = [];
  for (let round = 0; round < COMMANDS; round += 1) {
    const from = performance.now();
    await tandem(["size", "--users", "40", "--input-tokens", "2000", "--output-tokens", "500", "--survive", "server"]);
    commandSeconds.push((performance.now() - from) / 1000);
  }
  return [
    { what: "error without the source, median", measured: median(percents), limit: 20, unit: "%", how },
    { what: "error without the source, worst", measured: Math.max(...percents), limit: 40, unit: "%", how },
    { what: "half of a range", measured: HALF_WIDTH * 100, limit: 35, unit: "%", how: "of the figure" },
    { what: "points outside the range", measured: (100 * outside) / left.length, limit: 20, unit: "%", how },
    {
      what: "constants for each hundred points",
      measured: (100 * CONSTANT_NAMES.length) / USED_POINTS.length,
      limit: 50,
      unit: "%",
      how: `${CONSTANT_NAMES.length} constants`,
    },
    {
      what: "1,000 shapes and loads",
      measured: (seconds / estimates) * 1000,
      limit: 1,
      unit: "s",
      how: `mean of ${estimates}`,
    },
    { what: "answer of tandem size, computed", measured: sizeSeconds, limit: 1, unit: "s", how: `mean of ${SIZES}` },
    {
      what: "tandem size, the whole command",
      measured: median(commandSeconds),
      limit: 1,
      unit: "s",
      how: `median of ${COMMANDS}, all ${GPU_KINDS.length} GPU kinds`,
    },
  ];
};

/** Each source predicted without itself. */
function sourceLines(left: readonly LeftOut[]): string {
  const bySource = Map.groupBy(left, ({ point }) => point.source);
  const lines = [...bySource].map(([source, points]) => {
    const errors = points.map(({ error }) => Math.abs(error) * 100);
    const inside = points.filter(
      ({ point, predicted }) => Math.abs(point.measured / predicted - 1) <= HALF_WIDTH,
    ).length;
    return `  ${source.padEnd(16)} median ${median(errors).toFixed(0).padStart(2)} %, worst ${Math.max(...errors)
      .toFixed(0)
      .padStart(2)} %, ${inside} of ${points.length} inside the range`;
  });
  return ["error of each source, left out:", ...lines].join("\n");
}

function aiconfiguratorLines(): string {
  const lines = besideAiconfigurator().map(
    ({ layout, inputTokens, outputTokens, concurrency, theirs, ours }) =>
      `  ${`${layout}, ${concurrency} at once, ${inputTokens} / ${outputTokens}`.padEnd(38)} ${String(theirs.tpotMs).padStart(5)} and ${short(ours.tpotMs).padStart(5)} ms a token, ${String(theirs.outputTokensPerSecond).padStart(4)} and ${short(ours.outputTokensPerSecond).padStart(4)} tokens/s`,
  );
  return ["aiconfigurator 0.10.0 and this model, 2×8 H100, for information:", ...lines].join("\n");
}

const short = (value: number) => String(Number(value.toPrecision(3)));
