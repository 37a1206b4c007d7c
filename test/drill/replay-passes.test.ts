import { describe, expect, test } from "vitest";
import { type RecordedPass, replayPasses } from "../../src/drill/record/replay-passes.ts";
import type { FailoverPolicy } from "../../src/failover/observed.ts";
import { packLines, unpackLines } from "../../src/kube/packed-lines.ts";
import { POLICY } from "../sim/actors/policy.ts";
import { draw } from "../sim/faults/draw.ts";
import { simulate } from "../sim/simulate.ts";

/** Worlds with faults of every kind, in virtual time: what the reconciler decided there, written down and read again. */
const SEEDS = 12;
const passes: RecordedPass[] = [];
for (let seed = 1; seed <= SEEDS; seed++)
  simulate(seed, draw(seed), false, (_who, observed, decision) => {
    passes.push({ wallMs: observed.atMs, observed, policy: POLICY, held: [], decision });
  });
const recorded = unpackLines<RecordedPass>(packLines(passes, 100 * 2 ** 20));

/** Each of these, changed so, would have led to another decision somewhere. */
const ALTERED: [keyof Omit<FailoverPolicy, "mode">, number][] = [
  ["confirmAfterMs", 4_000],
  ["staleAfterMs", 0],
  ["lostAfterMs", 45_000],
  ["emptyWithinMs", 8_000],
  ["fenceWithinMs", 20_000],
  ["treatWithinMs", 10_000],
  ["resetWithinMs", 5_000],
  ["startWithinMs", 1_000],
  ["maxRestarts", 0],
  ["maxPerHour", 0],
];

describe("decisions of the reconciler, made again from their record", () => {
  test(`all of ${SEEDS} worlds come out the same`, () => {
    expect(recorded.length).toBe(passes.length);
    expect(recorded.length).toBeGreaterThan(1_000);
    expect(replayPasses(recorded).differences.slice(0, 3)).toEqual([]);
  });

  test.each(ALTERED)("and with %s at %d at least one comes out otherwise", (threshold, value) => {
    expect(replayPasses(recorded, { [threshold]: value }).differences.length).toBeGreaterThan(0);
  });

  test("a record that is too long loses its beginning, and says what it keeps", () => {
    const short = unpackLines<RecordedPass>(packLines(passes.slice(-300), 5_000, [{ first: true }]));
    expect(short[0]).toEqual({ first: true });
    expect(short.length).toBeGreaterThan(10);
    expect(short.length).toBeLessThan(301);
    expect(short.at(-1)).toEqual(recorded.at(-1));
  });
});
