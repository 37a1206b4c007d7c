import type { DrillReport } from "../report/drill.ts";
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
    endedClearly: verdicts.filter((verdict) => verdict.endedClearly).length,
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

/** The longest pause of each stream, and whether another group took it over. */
export function gapsOf(records: readonly StreamRecord[], carried: ReadonlySet<string>): DrillReport["gaps"] {
  return records.map((record) => ({
    stream: record.request.name,
    tokens: record.pieces.length,
    longestPauseSeconds: longestGapMs(record) / 1000,
    carriedOn: carried.has(record.request.name),
  }));
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

/** Tokens on either side of a seam: enough to see that the numbers go on. */
const SEAM_TOKENS = 3;

/** What the reader of the stream with the longest pause saw around it, among the streams that were carried on. */
export function seamOf(
  records: readonly StreamRecord[],
  carriedOn: ReadonlySet<string>,
): { before: string[]; after: string[]; pauseSeconds: number } | null {
  const own = records.filter(({ request }) => carriedOn.has(request.name));
  const record = own.toSorted((a, b) => longestGapMs(b) - longestGapMs(a))[0];
  if (record === undefined) return null;
  const { pieces } = record;
  const gaps = pieces.map(({ atMs }, at) => (at === 0 ? 0 : atMs - (pieces[at - 1]?.atMs ?? atMs)));
  const at = gaps.indexOf(Math.max(...gaps));
  if (at < 1) return null;
  const texts = (from: number, to: number) => pieces.slice(Math.max(0, from), to).map(({ text }) => text);
  return {
    before: texts(at - SEAM_TOKENS, at),
    after: texts(at, at + SEAM_TOKENS),
    pauseSeconds: (gaps[at] as number) / 1000,
  };
}
