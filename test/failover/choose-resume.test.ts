import fc from "fast-check";
import { expect, test } from "vitest";
import { type BrokenStream, resumePlan } from "../../src/failover/choose/resume.ts";

const one = (
  id: string,
  contextTokens: number,
  legTokens: number,
  strikes = 1,
  wasOnProbation = false,
): BrokenStream => ({
  id,
  contextTokens,
  legTokens,
  strikes,
  wasOnProbation,
});

test("after a loss of hardware all go on together, short contexts first", () => {
  const streams = [one("long", 9000, 400), one("short", 200, 10), one("prefill", 800, 0)];
  expect(resumePlan(streams, false)).toEqual({ together: ["short", "prefill", "long"], oneByOne: [], end: [] });
});

test("after a crash of software the long-decoding ones go first, those in prefill one by one", () => {
  const streams = [one("p2", 900, 0), one("old", 9000, 400), one("p1", 100, 0), one("young", 200, 10)];
  expect(resumePlan(streams, true)).toEqual({ together: ["old", "young"], oneByOne: ["p1", "p2"], end: [] });
});

test("the one that was alone when the second group crashed is ended; its fellows are tried once more, alone", () => {
  const streams = [one("suspect", 100, 0, 2, true), one("innocent", 900, 50, 2), one("new", 50, 5, 1)];
  expect(resumePlan(streams, true)).toEqual({ together: ["new"], oneByOne: ["innocent"], end: ["suspect"] });
});

test("three crashes are enough for anybody", () => {
  expect(resumePlan([one("always-there", 100, 70, 3)], true).end).toEqual(["always-there"]);
});

test("every stream is in exactly one list", () => {
  const streams = fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1 }),
      contextTokens: fc.nat(),
      legTokens: fc.nat(),
      strikes: fc.nat(4),
      wasOnProbation: fc.boolean(),
    }),
    { selector: ({ id }) => id },
  );
  fc.assert(
    fc.property(streams, fc.boolean(), (list, software) => {
      const { together, oneByOne, end } = resumePlan(list, software);
      expect([...together, ...oneByOne, ...end].toSorted()).toEqual(list.map(({ id }) => id).toSorted());
      if (!software) expect(end).toEqual([]);
    }),
  );
});
