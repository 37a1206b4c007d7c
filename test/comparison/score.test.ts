import { expect, test } from "vitest";
import { emptyRecord, type StreamRecord } from "../../src/drill/stream-record.ts";
import { expectedAnswer, type StreamRequest } from "../../src/drill/stream-request.ts";
import type { ComparisonFacts } from "../bench/comparison/facts.ts";
import { scoreComparison } from "../bench/comparison/score.ts";

const FAULT_MS = 10_000;
const GAVE_UP = "nothing came for too long";

const request = (name: string): StreamRequest => ({
  name,
  kind: "chat",
  prompt: `${name} answer=10`,
  answerTokens: 10,
  reasoningTokens: 0,
  opensThink: false,
  maxTokens: 22,
});

/** A stream that wrote a token each 100 ms from 9,500 on, was silent from the fault for `gapMs`, and went on to the end. */
function whole(name: string, gapMs: number, openedAtMs = 9_400): StreamRecord {
  const record = emptyRecord(request(name), openedAtMs);
  const expected = expectedAnswer(record.request);
  record.status = 200;
  record.ids.push("1");
  record.pieces = expected.answer.map((text, at) => {
    const planned = openedAtMs + 100 + 100 * at;
    return { atMs: planned > FAULT_MS ? planned + gapMs : planned, channel: "content", text };
  });
  const endedAtMs = record.pieces.at(-1)?.atMs ?? 0;
  record.finishes.push({ atMs: endedAtMs, reason: "stop" });
  const promptTokens = Math.ceil(record.request.prompt.length / 4);
  const { completionTokens } = expected;
  record.usages.push({
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    reasoningTokens: 0,
  });
  record.done = true;
  record.endedAtMs = endedAtMs;
  return record;
}

/** The same, ended in the middle with an error. */
function broken(name: string, endedAtMs: number, text: string, openedAtMs = 9_400): StreamRecord {
  const record = whole(name, 0, openedAtMs);
  record.pieces = record.pieces.filter(({ atMs }) => atMs <= FAULT_MS);
  return { ...record, finishes: [], usages: [], done: false, endedAtMs, errors: [{ atMs: endedAtMs, text }] };
}

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
