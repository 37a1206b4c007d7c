import { expect, test } from "vitest";
import type { StreamRecord } from "../../src/drill/stream-record.ts";
import type { ComparisonFacts } from "../bench/comparison/facts.ts";
import { scoreComparison } from "../bench/comparison/score.ts";
import { broken, FAULT_MS, whole } from "./records.ts";

const GAVE_UP = "nothing came for too long";

function facts(streams: StreamRecord[], probes: StreamRecord[] = [], onStruck = true): ComparisonFacts {
  return {
    fault: "server-power",
    place: "rank 0",
    atMs: FAULT_MS,
    struck: ["gpu-a", "gpu-b"],
    requests: streams.flatMap(({ request: { name } }) => [
      { server: onStruck ? "gpu-a" : "gpu-c", stream: name, atMs: 9_401 },
      // Where it goes after the fault says nothing about where it ran.
      { server: "gpu-d", stream: name, atMs: FAULT_MS + 1 },
    ]),
    contenders: [{ id: "one", streams, probes }],
  };
}

test("a stream that goes on counts with its silence, one token before the fault to the next", () => {
  const [outcome] = scoreComparison(facts([whole("stream-0-of-a", 700), whole("stream-1-of-a", 0)]));
  expect(outcome?.gapsSeconds).toEqual([0.8, 0.1]);
  expect(outcome).toMatchObject({ struck: 2, cutSeconds: [], silent: 0, othersBroken: 0, tokensLost: 0 });
});

test("one that is cut off is told when, one that falls silent is not", () => {
  const streams = [broken("stream-0-of-a", 10_500, "connection: aborted"), broken("stream-1-of-a", 22_000, GAVE_UP)];
  const [outcome] = scoreComparison(facts(streams));
  expect(outcome).toMatchObject({ struck: 2, gapsSeconds: [], cutSeconds: [0.5], silent: 1 });
  expect(outcome?.tokensLost).toBe(8);
});

test("a token that comes twice breaks the stream and is counted", () => {
  const record = whole("stream-0-of-a", 700);
  record.pieces.splice(3, 0, record.pieces[2] as (typeof record.pieces)[number]);
  const [outcome] = scoreComparison(facts([record]));
  expect(outcome).toMatchObject({ tokensDoubled: 1, gapsSeconds: [] });
});

test("streams of the group that was not struck are counted apart", () => {
  const streams = [whole("stream-0-of-a", 0), broken("stream-1-of-a", 10_500, "connection: aborted")];
  expect(scoreComparison(facts(streams, [], false))[0]).toMatchObject({ struck: 0, silent: 0, othersBroken: 1 });
});

test.each<[string, boolean[], number | null]>([
  ["all served", [true, true, true], 0],
  ["from the first that was served with all after it", [true, false, true], 0.4],
  ["not if one in between was served alone", [false, true, false, true], 0.6],
  ["never if the last failed", [true, false], null],
])("new requests: %s", (_name, served, wanted) => {
  const probes = served.map((one, at) => {
    const openedAtMs = FAULT_MS + 200 * at;
    return one
      ? whole(`stream-${at}-of-b`, 0, openedAtMs)
      : broken(`stream-${at}-of-b`, openedAtMs + 12_000, GAVE_UP, openedAtMs);
  });
  const [outcome] = scoreComparison(facts([], probes));
  expect(outcome?.servedAfterSeconds).toBe(wanted);
  expect(outcome?.probesFailed).toBe(served.filter((one) => !one).length);
  expect(outcome?.slowestFirstTokenSeconds).toBeCloseTo(0.1);
});
