import { describe, expect, test } from "vitest";
import { longestGapMs, nextTokenMs, percentile, resumedMs } from "../../src/drill/timing.ts";
import { chat, perfectRecord } from "./records.ts";

/** Tokens at 1000, 1020, 1040, then a silence, then the rest. */
function interrupted(silenceMs: number) {
  const record = perfectRecord(chat);
  for (const piece of record.pieces.slice(3)) piece.atMs += silenceMs;
  return record;
}

describe("when a stream goes on", () => {
  test("is its first token after another group has its request", () => {
    expect(nextTokenMs(interrupted(700), 1500)).toBe(1760);
  });

  test("a token that came before does not count, nor does a pause later on", () => {
    const record = interrupted(0);
    for (const piece of record.pieces.slice(5)) piece.atMs += 900;
    expect(nextTokenMs(record, 1050)).toBe(1060);
  });

  test("a stream with nothing left to say goes on with its finish", () => {
    expect(nextTokenMs(interrupted(0), 1110)).toBe(1120);
  });

  test("one that broke never does", () => {
    expect(nextTokenMs({ ...interrupted(0), finishes: [] }, 5000)).toBeNull();
  });
});

describe("when a stream went on, where requests are not seen", () => {
  test.each([
    ["is the end of its longest silence", 1045, 1760],
    ["whatever was under way when the fault came", 1030, 1760],
    ["of the silences since the fault", 1765, 1780],
  ])("%s", (_name, faultAtMs, expected) => {
    expect(resumedMs(interrupted(700), faultAtMs, faultAtMs)).toBe(expected);
  });

  test("a stream without a token since did not", () => {
    expect(resumedMs(interrupted(700), 9_000, 9_000)).toBeNull();
  });

  test("a longer silence that begins when the new group has written for a while is another one", () => {
    const record = interrupted(700);
    const late = record.pieces.findIndex(({ atMs }) => atMs > 1_780);
    for (const piece of record.pieces.slice(late)) piece.atMs += 4_000;
    expect(resumedMs(record, 1_045, 1_050)).toBe(1_760);
    // Tokens that were under way at the move come before the silence that it causes.
    expect(resumedMs(record, 1_005, 1_010)).toBe(1_760);
    expect(resumedMs(record, 1_045, Number.POSITIVE_INFINITY)).toBe(record.pieces[late]?.atMs);
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
