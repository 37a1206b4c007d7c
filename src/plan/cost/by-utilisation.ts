import type { GpuKind } from "../catalogue.ts";
import type { CurvePoint, LayoutCurve, Question } from "../performance/curves.ts";
import { HALF_WIDTH, type Range } from "../performance/range.ts";
import { type BoughtCost, boughtCosts } from "./bought.ts";
import { type ServerPrice, serverPrices } from "./hourly.ts";
import type { PriceBook } from "./prices.ts";

/** A way to have the servers of a plan, and what a million output tokens costs with it at each mean load. */
export interface OwnedLine extends ServerPrice {
  usdPerMillionOutput: { utilisation: number; range: Range }[];
}

export interface CostCurves {
  /** The fullest hour that the prices are counted from. */
  peak: CurvePoint;
  servers: number;
  lines: OwnedLine[];
  bought: BoughtCost[];
}

/** Shares of the year's hours at full load; 0.24 are office hours. */
export const UTILISATIONS: readonly number[] = [0.05, 0.1, 0.15, 0.2, 0.24, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
/** What most people find quick enough; the fullest hour may not go beyond it. */
const SLOWEST_TOKENS_PER_SECOND = 15;
const SLOWEST_FIRST_TOKEN_SECONDS = 5;
const SECONDS_PER_HOUR = 3600;

/**
 * What the servers of a plan cost for each token, against how busy they are. `servers` are all that are paid for: serving,
 * standby and spare.
 */
export function costByUtilisation(
  curve: LayoutCurve,
  { servers, gpu, question, book }: { servers: number; gpu: GpuKind; question: Question; book: PriceBook },
): CostCurves | undefined {
  const quick = curve.points.filter(
    ({ tokensPerSecondEach, ttftSeconds }) =>
      tokensPerSecondEach >= SLOWEST_TOKENS_PER_SECOND && ttftSeconds <= SLOWEST_FIRST_TOKEN_SECONDS,
  );
  const peak = quick.at(-1) ?? curve.points[0];
  if (peak === undefined) return undefined;
  const lines = serverPrices(book, gpu).map((price): OwnedLine => {
    const { low, high } = price.usdPerServerHour;
    const usdPerMillionOutput = UTILISATIONS.map((utilisation) => {
      const millionPerHour = (peak.outputTokensPerSecond * SECONDS_PER_HOUR * utilisation) / 1e6;
      const range = {
        low: (low * servers) / (millionPerHour * (1 + HALF_WIDTH)),
        high: (high * servers) / (millionPerHour * (1 - HALF_WIDTH)),
      };
      return { utilisation, range };
    });
    return { ...price, usdPerMillionOutput };
  });
  return { peak, servers, lines, bought: boughtCosts({ ...question, prefixHitRate: 0 }, book) };
}
