import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { alignedTimer, untilAligned } from "../../src/stream/aligned-timer.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test.each([
  ["at such a moment", 250, 1_000, 250],
  ["a little early", 250, 998, 252],
  ["a little late", 250, 1_003, 247],
  ["more than half a period early", 250, 1_120, 130],
  ["a period that is no whole number", 250 / 6, 1_000, 42],
])("%s", (_, everyMs, wallMs, waitMs) => expect(untilAligned(everyMs, wallMs)).toBe(waitMs));

test("timers whose periods divide each other come together", () => {
  const at: Record<string, number[]> = { poll: [], beat: [] };
  const ends = [
    alignedTimer(250 / 6, Date.now, () => at.poll?.push(Date.now() % 1_000)),
    alignedTimer(250, Date.now, () => at.beat?.push(Date.now() % 1_000)),
  ];
  vi.advanceTimersByTime(1_000);
  expect(at.beat).toEqual([250, 500, 750, 0]);
  expect(at.poll).toHaveLength(24);
  expect(at.poll).toEqual(expect.arrayContaining(at.beat ?? []));
  for (const end of ends) end();
  vi.advanceTimersByTime(1_000);
  expect(at.poll).toHaveLength(24);
});

test("what throws once is called again", () => {
  const calls: number[] = [];
  const end = alignedTimer(100, Date.now, () => {
    calls.push(Date.now());
    if (calls.length === 1) throw new Error("once");
  });
  expect(() => vi.advanceTimersByTime(100)).toThrow("once");
  vi.advanceTimersByTime(100);
  expect(calls).toHaveLength(2);
  end();
});
