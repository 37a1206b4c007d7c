import { describe, expect, test } from "vitest";
import { interruptionOf, longestGapMs, percentile } from "../../src/drill/timing.ts";
import { chat, perfectRecord } from "./records.ts";

/** Tokens at 1000, 1020, 1040, then a silence, then the rest. */
function interrupted(silenceMs: number) {
  const record = perfectRecord(chat);
  for (const piece of record.pieces.slice(3)) piece.atMs += silenceMs;
  return record;
}

describe("the interruption of a stream", () => {
  test("is the silence after the fault, up to its next token", () => {
    expect(interruptionOf(interrupted(700), 1045)).toEqual({ name: chat.name, gapMs: 720, nextTokenAtMs: 1760 });
  });

  test("tokens that were under way when the fault came do not count as the next one", () => {
    expect(interruptionOf(interrupted(700), 1030)).toEqual({ name: chat.name, gapMs: 720, nextTokenAtMs: 1760 });
  });

  test("a silence before the fault does not count", () => {
    expect(interruptionOf(interrupted(700), 1770)).toMatchObject({ gapMs: 20, nextTokenAtMs: 1780 });
  });

  test("a stream that had nothing yet waits from its opening on", () => {
    expect(interruptionOf(interrupted(0), 950)).toMatchObject({ gapMs: 100, nextTokenAtMs: 1000 });
  });

  test("a stream that had finished was not interrupted, one that broke never came back", () => {
    expect(interruptionOf(interrupted(0), 5000)).toBeNull();
    const broken = { ...interrupted(0), done: false };
    expect(interruptionOf(broken, 5000)).toMatchObject({ gapMs: Number.POSITIVE_INFINITY, nextTokenAtMs: null });
  });
});

test("the longest gap", () => {
  expect(longestGapMs(interrupted(700))).toBe(720);
  expect(longestGapMs({ ...interrupted(0), pieces: [] })).toBe(0);
});

test.each([
  [[3, 1, 2], 0.5, 2],
  [[3, 1, 2], 0.99, 3],
  [[1, 2, 3, 4], 0.5, 2],
  [[7], 0.01, 7],
])("percentile of %j at %d is %d", (values, share, wanted) => {
  expect(percentile(values, share)).toBe(wanted);
});
