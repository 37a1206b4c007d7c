import { rangeOf } from "../plan/performance/range.ts";
import type { SizeAnswer, SizeSet } from "../plan/size/size.ts";

/** The answer of `tandem size` for programs: ranges, never single figures, and no internal shapes. */
export function sizeData({ ask, sets, nearest, smallerModels, shapesThatDoNotWork }: SizeAnswer): unknown {
  return {
    ask,
    sets: sets.map(setData),
    nearest: nearest.map(setData),
    smallerModels: smallerModels.map(setData),
    shapesThatDoNotWork,
  };
}

function setData({ fit, ...set }: SizeSet): unknown {
  const { estimate, option, verdict, mostUsers, givesFirst } = fit;
  return {
    ...set,
    layout: option.judged.layout.name,
    verdict,
    ttftSeconds: rangeOf(estimate.ttftSeconds),
    tokensPerSecondPerUser: rangeOf(1 / estimate.tpotSeconds),
    outputTokensPerSecond: rangeOf(estimate.outputTokensPerSecond * set.activeGroups),
    kvTokensPerGroup: option.judged.memory.kvTokens,
    mostUsers: mostUsers * set.activeGroups,
    givesFirst,
  };
}
