import type { StreamRecord } from "./stream-record.ts";

/** How one stream lived through a fault; milliseconds. */
export interface Interruption {
  name: string;
  /** The longest silence that ended after the fault: from its last token before to its first token after. */
  gapMs: number;
  /** When that silence ended; null if no token came after the fault. */
  nextTokenAtMs: number | null;
}

/** Finds the interruption of one stream that ended after `faultAtMs`. A stream that had finished by then has none. */
export function interruptionOf(record: StreamRecord, faultAtMs: number): Interruption | null {
  const name = record.request.name;
  const { pieces } = record;
  const firstAfter = pieces.findIndex(({ atMs }) => atMs > faultAtMs);
  if (firstAfter < 0) {
    const finished = record.done && record.errors.length === 0;
    return finished ? null : { name, gapMs: Number.POSITIVE_INFINITY, nextTokenAtMs: null };
  }
  let gapMs = -1;
  let nextTokenAtMs: number | null = null;
  for (let at = firstAfter; at < pieces.length; at++) {
    const now = (pieces[at] as { atMs: number }).atMs;
    const gap = now - (pieces[at - 1]?.atMs ?? record.openedAtMs);
    if (gap <= gapMs) continue;
    gapMs = gap;
    nextTokenAtMs = now;
  }
  return { name, gapMs, nextTokenAtMs };
}

/** The longest silence between two tokens of a stream, faults or not; 0 with fewer than two. */
export function longestGapMs(record: StreamRecord): number {
  return record.pieces.reduce(
    (longest, { atMs }, at) => (at === 0 ? 0 : Math.max(longest, atMs - (record.pieces[at - 1]?.atMs ?? atMs))),
    0,
  );
}

/** The value below which `share` of the values lie, by the nearest-rank rule: never a value that nobody measured. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
