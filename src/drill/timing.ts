import type { StreamRecord } from "./stream-record.ts";

/**
 * When a stream went on after another group had its request: at its first token, or at its end where none was left to
 * write. Null if it never did.
 */
export function nextTokenMs(record: StreamRecord, acceptedAtMs: number): number | null {
  const piece = record.pieces.find(({ atMs }) => atMs > acceptedAtMs);
  return piece?.atMs ?? record.finishes.find(({ atMs }) => atMs > acceptedAtMs)?.atMs ?? null;
}

/** Tokens of the group that was left may be under way for so long. */
const UNDER_WAY_MS = 250;

/**
 * The end of a stream's longest silence that a fault can have caused: when it went on, where nobody saw its request reach
 * another group and tokens that were under way came in between. A silence that begins later than that is none of the fault's: a
 * busy computer holds up the new group as well. Null without a token after the fault.
 *
 * @param leftAtMs when traffic left the group
 */
export function resumedMs({ pieces }: StreamRecord, faultAtMs: number, leftAtMs: number): number | null {
  let longest = { gapMs: -1, endMs: null as number | null };
  pieces.forEach(({ atMs }, at) => {
    const before = pieces[at - 1];
    if (before === undefined || atMs <= faultAtMs || before.atMs > leftAtMs + UNDER_WAY_MS) return;
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
