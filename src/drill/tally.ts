import type { StreamTally } from "../report/rehearsal.ts";
import { isPerfect, judgeStream } from "./judge.ts";
import type { StreamRecord } from "./stream-record.ts";
import { longestGapMs } from "./timing.ts";

/** Adds up what happened to all streams of a run, `carriedOn` of which another group took over. */
export function tallyStreams(records: readonly StreamRecord[], carriedOn: number): StreamTally {
  const verdicts = records.map(judgeStream);
  const sum = (field: "tokens" | "lost" | "doubled" | "foreign" | "mixed" | "misplaced") =>
    verdicts.reduce((total, verdict) => total + verdict[field], 0);
  return {
    streams: records.length,
    perfect: verdicts.filter(isPerfect).length,
    carriedOn,
    tokens: sum("tokens"),
    lost: sum("lost"),
    doubled: sum("doubled"),
    foreign: sum("foreign"),
    mixed: sum("mixed"),
    misplaced: sum("misplaced"),
    longestPauseSeconds: Math.max(0, ...records.map(longestGapMs)) / 1000,
    failures: verdicts.flatMap((verdict) =>
      isPerfect(verdict) ? [] : [{ stream: verdict.name, problems: [...countSentences(verdict), ...verdict.problems] }],
    ),
  };
}

function countSentences(verdict: Record<"lost" | "doubled" | "foreign" | "mixed" | "misplaced", number>): string[] {
  return (["lost", "doubled", "foreign", "mixed", "misplaced"] as const).flatMap((kind) =>
    verdict[kind] === 0 ? [] : [`${verdict[kind]} tokens ${kind}`],
  );
}

/** Tokens that arrived in each slice of time, from `beforeMs` before the fault to the last one. */
export function flowOf(
  records: readonly StreamRecord[],
  faultAtMs: number,
  { sliceMs, beforeMs }: { sliceMs: number; beforeMs: number },
): { sliceMs: number; faultSlice: number; tokens: number[] } {
  const start = faultAtMs - beforeMs;
  const times = records.flatMap(({ pieces }) => pieces.map(({ atMs }) => atMs)).filter((atMs) => atMs >= start);
  const end = Math.max(faultAtMs, ...times);
  const tokens = Array.from({ length: Math.floor((end - start) / sliceMs) + 1 }, () => 0);
  for (const atMs of times) {
    const slice = Math.floor((atMs - start) / sliceMs);
    tokens[slice] = (tokens[slice] ?? 0) + 1;
  }
  return { sliceMs, faultSlice: Math.floor(beforeMs / sliceMs), tokens };
}
