import { percentile } from "../../../src/drill/timing.ts";
import type { Outcome } from "./score.ts";

/** Outcomes of one proxy, added up. */
export interface Summary {
  rounds: number;
  struck: number;
  carriedOn: number;
  gapSeconds: Spread | null;
  cut: number;
  cutSeconds: Spread | null;
  silent: number;
  othersBroken: number;
  tokensLost: number;
  tokensDoubled: number;
  probes: number;
  probesFailed: number;
  /** Null in the place of the maximum: in some round not every request was served by the end. */
  servedAfterSeconds: { median: number | null; max: number | null };
  slowestFirstTokenSeconds: number | null;
}

export interface Spread {
  median: number;
  max: number;
}

/** Adds up what happened to one proxy in several rounds. Pure. */
export function summarize(outcomes: readonly Outcome[]): Summary {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const gaps = outcomes.flatMap(({ gapsSeconds }) => gapsSeconds);
  const cuts = outcomes.flatMap(({ cutSeconds }) => cutSeconds);
  // One that was never served is longer than any.
  const served = spread(outcomes.map(({ servedAfterSeconds }) => servedAfterSeconds ?? Number.POSITIVE_INFINITY));
  const finite = (value: number | undefined) => (value === undefined || !Number.isFinite(value) ? null : value);
  const slowest = outcomes.flatMap(({ slowestFirstTokenSeconds: value }) => (value === null ? [] : [value]));
  return {
    rounds: outcomes.length,
    struck: sum(({ struck }) => struck),
    carriedOn: gaps.length,
    gapSeconds: spread(gaps),
    cut: cuts.length,
    cutSeconds: spread(cuts),
    silent: sum(({ silent }) => silent),
    othersBroken: sum(({ othersBroken }) => othersBroken),
    tokensLost: sum(({ tokensLost }) => tokensLost),
    tokensDoubled: sum(({ tokensDoubled }) => tokensDoubled),
    probes: sum(({ probes }) => probes),
    probesFailed: sum(({ probesFailed }) => probesFailed),
    servedAfterSeconds: { median: finite(served?.median), max: finite(served?.max) },
    slowestFirstTokenSeconds: slowest.length === 0 ? null : Math.max(...slowest),
  };
}

function spread(values: readonly number[]): Spread | null {
  return values.length === 0 ? null : { median: percentile(values, 0.5), max: Math.max(...values) };
}
