import { bad, good, type Verdict } from "./facts.ts";
import type { ReadinessRules } from "./rules.ts";

/** Milliseconds a token of the golden prompts: the best of a few tries, since only noise makes a fast engine slow. */
export interface Pace {
  msPerToken: number;
  /** Of a long prefill, milliseconds for each thousand tokens; null where none was measured. */
  prefillMsPer1000: number | null;
}

/** Compares with the best that any group has shown with this revision, and with the longest step that the plan expects. */
export function speedVerdict(pace: Pace, best: Pace | null, longestStepMs: number, rules: ReadinessRules): Verdict {
  const told = `${pace.msPerToken.toFixed(1)} ms a token`;
  if (pace.msPerToken > longestStepMs) return bad(`${told}, and the plan's longest step is ${longestStepMs} ms`);
  if (best === null) return good(`${told}; the first time with this revision`);
  const limit = best.msPerToken * rules.slowFactor + rules.slowSlackMs;
  if (pace.msPerToken > limit)
    return bad(`${told}, and ${best.msPerToken.toFixed(1)} ms is what this revision needs: a rank is slow`);
  const [mine, theirs] = [pace.prefillMsPer1000, best.prefillMsPer1000];
  if (mine !== null && theirs !== null && mine > theirs * rules.slowFactor + 1000 * (rules.slowSlackMs / 100))
    return bad(
      `a long prompt takes ${mine.toFixed(0)} ms for 1,000 tokens, and ${theirs.toFixed(0)} ms is what this revision needs`,
    );
  return good(`${told}, the best of this revision ${best.msPerToken.toFixed(1)} ms`);
}

/** The better of two in each part. */
export function bestOf(a: Pace | null, b: Pace): Pace {
  if (a === null) return b;
  const prefills = [a.prefillMsPer1000, b.prefillMsPer1000].filter((value) => value !== null);
  return {
    msPerToken: Math.min(a.msPerToken, b.msPerToken),
    prefillMsPer1000: prefills.length === 0 ? null : Math.min(...prefills),
  };
}
