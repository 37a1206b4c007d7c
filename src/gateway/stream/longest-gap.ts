import type { Rider } from "./rider.ts";

type Reader = Pick<Rider, "group" | "lastTokenMs" | "waitingSinceMs">;

/**
 * The longest that a stream which has begun has been without a token, in milliseconds; null while none has begun. One between two
 * groups counts, one whose client reads too slowly does not.
 *
 * @param nowMs on the watch clock
 */
export function longestGap(riders: Iterable<Reader>, nowMs: number): number | null {
  let longestMs: number | null = null;
  for (const { group, lastTokenMs, waitingSinceMs } of riders) {
    if (lastTokenMs === 0 || (group !== null && waitingSinceMs === null)) continue;
    longestMs = Math.max(longestMs ?? 0, Math.round(nowMs - lastTokenMs));
  }
  return longestMs;
}
