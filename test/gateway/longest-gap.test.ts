import { expect, test } from "vitest";
import { longestGap } from "../../src/gateway/stream/longest-gap.ts";

const rider = (group: string | null, lastTokenMs: number, waitingSinceMs: number | null) => ({
  group,
  lastTokenMs,
  waitingSinceMs,
});

test.each([
  ["nobody", [], null],
  ["one that waits for its first token", [rider("a", 0, 100)], null],
  ["one whose client reads too slowly", [rider("a", 100, null)], null],
  ["one that writes", [rider("a", 980, 100)], 20],
  ["one between two groups", [rider(null, 300, null)], 700],
  ["several", [rider("a", 980, 100), rider("b", 600, 100), rider("a", 0, 5)], 400],
])("%s", (_name, riders, wanted) => expect(longestGap(riders, 1000)).toBe(wanted));
