/** A stream that lost its group, as far as the order of resuming needs to know it. */
export interface BrokenStream {
  id: string;
  /** Tokens of its prompt, and of what was written. */
  contextTokens: number;
  /** Tokens of the leg that broke; 0 is a request that was still in prefill. */
  legTokens: number;
  /** Software crashes that this request was present at, this one included. */
  strikes: number;
  /** It was alone in the slot for suspects when the group crashed. */
  wasOnProbation: boolean;
}

export interface ResumePlan {
  /** Resumed together, in this order. */
  together: string[];
  /** Resumed after those, one at a time: one of them may be what crashed the engine. */
  oneByOne: string[];
  /** Ended with an error; their fingerprint is refused for a while. */
  end: string[];
}

/** Crashes after which a request is not tried again, even if it was never alone. */
const MAX_STRIKES = 3;

/**
 * In which order streams go on. After a loss of hardware nobody is suspect: all together, short contexts first. After a
 * software crash a request in prefill is more likely the cause than one that had been decoding for long.
 */
export function resumePlan(streams: readonly BrokenStream[], software: boolean): ResumePlan {
  const ids = (list: readonly BrokenStream[]) => list.map(({ id }) => id);
  const short = streams.toSorted((a, b) => a.contextTokens - b.contextTokens || (a.id < b.id ? -1 : 1));
  if (!software) return { together: ids(short), oneByOne: [], end: [] };
  const end = short.filter(({ wasOnProbation, strikes }) => strikes >= MAX_STRIKES || (wasOnProbation && strikes >= 2));
  const left = short.filter((stream) => !end.includes(stream));
  const suspects = left.filter(({ legTokens, strikes }) => legTokens === 0 || strikes >= 2);
  return {
    together: ids(left.filter((stream) => !suspects.includes(stream)).toSorted((a, b) => b.legTokens - a.legTokens)),
    // Those that were present once are more likely innocent than those present twice.
    oneByOne: ids(suspects.toSorted((a, b) => a.strikes - b.strikes)),
    end: ids(end),
  };
}
