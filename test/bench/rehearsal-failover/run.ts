import type { FaultClass, RehearsalReport } from "../../../src/report/rehearsal.ts";

/** What is kept of one rehearsed fault; seconds after it, of the slowest stream. Infinity cannot be written: null is never. */
export interface Run {
  fault: FaultClass;
  commit: string;
  acceptedSeconds: number | null;
  nextTokenSeconds: number | null;
  streams: number;
  perfect: number;
  carriedOn: number;
  tokens: number;
  lost: number;
  doubled: number;
  foreign: number;
}

export function runOf({ fault, phases, streams }: RehearsalReport, commit: string): Run {
  const seconds = (wanted: string) => phases.find(({ phase }) => phase === wanted)?.seconds ?? null;
  const { perfect, carriedOn, tokens, lost, doubled, foreign } = streams;
  return {
    fault,
    commit,
    acceptedSeconds: seconds("continuation accepted"),
    nextTokenSeconds: seconds("next token"),
    streams: streams.streams,
    perfect,
    carriedOn,
    tokens,
    lost,
    doubled,
    foreign,
  };
}

/** The times of one phase over many runs; a stream that never goes on takes forever. */
export function secondsOf(runs: readonly Run[], phase: "acceptedSeconds" | "nextTokenSeconds"): number[] {
  return runs.map((run) => run[phase] ?? Number.POSITIVE_INFINITY);
}
