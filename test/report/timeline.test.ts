import { describe, expect, test } from "vitest";
import type { RehearsalReport } from "../../src/report/rehearsal.ts";
import { rehearsalSummary, timelineEntry } from "../../src/report/timeline.ts";

const report: RehearsalReport = {
  stack: "local",
  model: "deepseek-v3",
  layout: "tp16",
  fault: "server-power",
  victim: "gpu-b",
  from: "a",
  to: "b",
  what: "its cable went silent first",
  reason: "group a: gpu-b is silent",
  phases: [
    { phase: "decided", seconds: 0.61, budgetSeconds: null },
    { phase: "continuation accepted", seconds: 0.664, budgetSeconds: 1.5 },
    { phase: "next token", seconds: 0.71, budgetSeconds: 1.5 },
  ],
  streams: {
    streams: 20,
    perfect: 20,
    endedClearly: 0,
    carriedOn: 20,
    tokens: 11_402,
    lost: 0,
    doubled: 0,
    foreign: 0,
    mixed: 0,
    misplaced: 0,
    longestPauseSeconds: 0.72,
    failures: [],
  },
  carried: [],
  flow: { sliceMs: 100, faultSlice: 3, tokens: [10, 80, 80, 40, 0, 0, 1, 80] },
  seam: { before: ["3167-31 ", "3167-32 "], after: ["3167-33 ", "3167-34 "], pauseSeconds: 0.72 },
  seconds: 8.6,
  passed: true,
  failures: [],
};

describe("the story", () => {
  test("a moment, and what there is to say about it", () => {
    expect(timelineEntry(3.84, "gpu-b LOSES POWER")).toBe("   3.8 s  gpu-b LOSES POWER");
    expect(timelineEntry(13.04, "gpu-b LOSES POWER", "silent")).toBe("  13.0 s  gpu-b LOSES POWER\n          silent");
  });

  test("ends with what was measured", () => {
    expect(`\n${rehearsalSummary(report)}\n`).toBe(`
tokens per 0.1 s  ▁██▄  ▁█
                     ↑ gpu-b loses power

the longest pause, as its reader saw it:  …3167-31 3167-32 [0.72 s] 3167-33 3167-34 …

AFTER THE FAULT          SECONDS   BUDGET
decided                     0.61
continuation accepted       0.66     1.50
next token                  0.71     1.50

20 streams, all carried on · 11,402 tokens: 0 lost, 0 doubled, 0 foreign   PASSED
`);
  });

  test("says what went wrong, and how often, but not for ever", () => {
    const streams = {
      ...report.streams,
      perfect: 12,
      carriedOn: 12,
      lost: 310,
      mixed: 2,
      misplaced: 1,
      failures: Array.from({ length: 8 }, (_, at) => ({
        stream: `stream-${at}-of-x`,
        problems: ["38 tokens lost", "no [DONE]"],
      })),
    };
    const phases = report.phases.map((phase) => ({ ...phase, seconds: null }));
    const failures = ["8 of 20 streams did not end as they should"];
    const lines = rehearsalSummary({ ...report, phases, streams, seam: null, failures, passed: false }).split("\n");
    expect(lines.slice(3)).toEqual([
      "AFTER THE FAULT          SECONDS   BUDGET",
      "decided                    never",
      "continuation accepted      never     1.50",
      "next token                 never     1.50",
      "",
      "20 streams, 12 carried on · 11,402 tokens: 310 lost, 0 doubled, 0 foreign, 2 mixed up with reasoning, 1 out of order   FAILED",
      "  8 of 20 streams did not end as they should",
      ...[0, 1, 2, 3, 4].map((at) => `  stream-${at}-of-x: 38 tokens lost; no [DONE]`),
      "  and 3 more",
    ]);
  });
});
