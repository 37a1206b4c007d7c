import { readFileSync, writeFileSync } from "node:fs";
import { CONSTANT_NAMES, type Constants, PRIOR } from "../../src/plan/performance/constants.ts";
import { type Point, predict, USED_POINTS } from "../../src/plan/performance/points.ts";

/** Weight of the prior: where several points speak it moves nothing, where none does it keeps a constant in place. */
const PRIOR_WEIGHT = 0.02;

/**
 * Fits the constants on points by pattern search over their logarithms. The loss is the mean absolute logarithm of
 * predicted over measured, each source counting as one, so that a long table does not outvote a single run.
 */
export function fitConstants(points: readonly Point[]): Constants {
  let best: Constants = { ...PRIOR };
  let bestLoss = loss(best, points);
  for (let step = 0.4; step > 0.005; step /= 2) {
    for (let moved = true; moved; ) {
      moved = false;
      for (const name of CONSTANT_NAMES) {
        for (const factor of [Math.exp(step), Math.exp(-step)]) {
          const tried = { ...best, [name]: best[name] * factor };
          // A share of a data sheet's peak cannot exceed the peak.
          if (name.endsWith("Efficiency") && tried[name] > 1) continue;
          const found = loss(tried, points);
          if (found < bestLoss - 1e-9) {
            best = tried;
            bestLoss = found;
            moved = true;
          }
        }
      }
    }
  }
  return best;
}

function loss(constants: Constants, points: readonly Point[]): number {
  const bySource = Map.groupBy(points, ({ source }) => source);
  let total = 0;
  for (const group of bySource.values()) {
    total +=
      group.reduce((sum, point) => sum + Math.abs(Math.log(predict(point, constants) / point.measured)), 0) /
      group.length;
  }
  const drift = CONSTANT_NAMES.reduce((sum, name) => sum + Math.log(constants[name] / PRIOR[name]) ** 2, 0);
  return total / bySource.size + PRIOR_WEIGHT * drift;
}

export interface LeftOut {
  point: Point;
  predicted: number;
  /** predicted over measured, less 1. */
  error: number;
}

/** Every used point predicted by constants that were fitted without its source. */
export function leaveOneSourceOut(): LeftOut[] {
  const sources = [...new Set(USED_POINTS.map(({ source }) => source))];
  return sources.flatMap((source) => {
    const constants = fitConstants(USED_POINTS.filter((point) => point.source !== source));
    return USED_POINTS.filter((point) => point.source === source).map((point) => {
      const predicted = predict(point, constants);
      return { point, predicted, error: predicted / point.measured - 1 };
    });
  });
}

// `tandem-dev test/plan/performance-fit.ts --write` puts the fitted values into the data file.
if (process.argv[1]?.endsWith("performance-fit.ts")) {
  const fitted = fitConstants(USED_POINTS);
  if (process.argv.includes("--write")) {
    const path = "src/plan/data/performance-constants.json";
    const data = JSON.parse(readFileSync(path, "utf8"));
    for (const name of CONSTANT_NAMES) data[name].value = Number(fitted[name].toPrecision(3));
    writeFileSync(path, `${JSON.stringify(data, null, 2)}\n`);
  }
  process.stdout.write(`${JSON.stringify(fitted, null, 2)}\n`);
  for (const { point, predicted, error } of leaveOneSourceOut()) {
    const run = `${point.source} ${point.layout} c${point.concurrency} ${point.inputTokens}/${point.outputTokens} ${point.metric}`;
    process.stdout.write(
      `${(100 * error).toFixed(0).padStart(5)} %  ${predicted.toFixed(1)} of ${point.measured}  ${run}\n`,
    );
  }
}
