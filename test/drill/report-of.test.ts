import { describe, expect, test } from "vitest";
import type { RoundFacts } from "../../src/drill/rehearsal.ts";
import { reportOf } from "../../src/drill/report-of.ts";
import { localPlan } from "../support/rehearsal-session.ts";
import { chat, perfectRecord, thinking } from "./records.ts";

const FAULT_AT = 1045;

/** Two streams that went on in group b: silent from 1040 to 1640 ms, their requests there at 1500 and 1510 ms. */
function facts(change: (facts: RoundFacts) => void = () => {}): RoundFacts {
  const records = [chat, thinking].map((request) => {
    const record = perfectRecord(request);
    for (const piece of record.pieces.slice(3)) piece.atMs += 580;
    for (const finish of record.finishes) finish.atMs += 580;
    return record;
  });
  const all: RoundFacts = {
    plan: localPlan("deepseek-v3"),
    fault: "server-power",
    victim: "gpu-b",
    from: "a",
    injected: { atMs: FAULT_AT, what: "its cable went silent" },
    records,
    requests: [
      { server: "gpu-a", stream: chat.name, atMs: 910 },
      { server: "gpu-c", stream: chat.name, atMs: 1500 },
      { server: "gpu-c", stream: thinking.name, atMs: 1510 },
    ],
    moves: [{ atMs: 1450, to: "b", reason: "gpu-b is silent" }],
    groupOf: (server) => (server < "gpu-c" ? "a" : "b"),
  };
  thinkingHasItsOwnName(all);
  change(all);
  return all;
}

function thinkingHasItsOwnName({ records, requests }: RoundFacts): void {
  Object.assign(records[1] ?? {}, { request: { ...thinking, name: "stream-2-of-test" } });
  Object.assign(requests[2] ?? {}, { stream: "stream-2-of-test" });
}

const phases = (changed: RoundFacts) =>
  Object.fromEntries(reportOf(changed, 9).phases.map(({ phase, seconds }) => [phase, seconds]));

describe("a round is judged", () => {
  test("that went as it should", () => {
    const report = reportOf(facts(), 9);
    expect(report).toMatchObject({
      passed: true,
      failures: [],
      to: "b",
      reason: "gpu-b is silent",
      streams: { streams: 2, perfect: 2, carriedOn: 2, tokens: 15, lost: 0 },
      carried: [
        { stream: chat.name, acceptedSeconds: 0.455, nextTokenSeconds: 0.595 },
        { stream: "stream-2-of-test", acceptedSeconds: 0.465, nextTokenSeconds: 0.595 },
      ],
      seam: { pauseSeconds: 0.6 },
    });
    expect(phases(facts())).toEqual({ decided: 0.405, "continuation accepted": 0.465, "next token": 0.595 });
    expect(report.flow.tokens.reduce((sum, count) => sum + count, 0)).toBe(15);
    expect(report.flow.tokens.slice(report.flow.faultSlice + 1, report.flow.faultSlice + 5)).toEqual([0, 0, 0, 0]);
  });

  test.each<[string, (facts: RoundFacts) => void, string]>([
    [
      "a token was lost",
      ({ records }) => void records[0]?.pieces.splice(4, 1),
      "1 of 2 streams did not end as they should",
    ],
    ["nobody went on", (all) => Object.assign(all, { requests: [] }), "continuation accepted: did not happen"],
    ["the gateway did not move", (all) => Object.assign(all, { moves: [] }), "decided: did not happen"],
    ["it had moved before", ({ moves }) => Object.assign(moves[0] ?? {}, { atMs: 1000 }), "decided: did not happen"],
    [
      "one stream was late",
      ({ records }) => {
        for (const piece of records[1]?.pieces.slice(3) ?? []) piece.atMs += 2_000;
        for (const finish of records[1]?.finishes ?? []) finish.atMs += 2_000;
      },
      "next token: 2.60 s, more than 1.50 s",
    ],
    [
      "one never went on",
      ({ records }) => void Object.assign(records[1] ?? {}, { pieces: [], finishes: [] }),
      "next token: did not happen",
    ],
  ])("in which %s", (_name, change, sentence) => {
    const report = reportOf(facts(change), 9);
    expect(report.passed).toBe(false);
    expect(report.failures).toContain(sentence);
  });

  test("requests of the broken group and from before the fault are no continuation", () => {
    const report = reportOf(
      facts(({ requests }) => {
        requests.splice(
          0,
          3,
          { server: "gpu-c", stream: chat.name, atMs: 1000 },
          { server: "gpu-b", stream: chat.name, atMs: 1500 },
        );
      }),
      9,
    );
    expect(report.carried).toEqual([]);
  });
});
