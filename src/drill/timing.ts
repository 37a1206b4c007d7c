import type { StreamRecord } from "./stream-record.ts";

/**
 * When a stream went on after another group had its request: at its first token, or at its end where none was left to
 * write. Null if it never did.
 */
export function nextTokenMs(record: StreamRecord, acceptedAtMs: number): number | null {
  const piece = record.pieces.find(({ atMs }) => atMs > acceptedAtMs);
  return piece?.atMs ?? record.finishes.find(({ atMs }) => atMs > acceptedAtMs)?.atMs ?? null;
}

/**
 * The end of a stream's longest silence that a fault can have caused: when it went on, where nobody saw its request reach
 * another group and tokens that were under way came in between. Null without a token after the fault.
 */
export function resumedMs({ pieces }: StreamRecord, faultAtMs: number): number | null {
  let longest = { gapMs: -1, endMs: null as number | null };
  pieces.forEach(({ atMs }, at) => {
    const before = pieces[at - 1];
    if (before === undefined || atMs <= faultAtMs) return;
    if (atMs - before.atMs > longest.gapMs) longest = { gapMs: atMs - before.atMs, endMs: atMs };
  });
  return longest.endMs;
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
