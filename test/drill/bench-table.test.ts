import { expect, test } from "vitest";
import { scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import type { DrillReport } from "../../src/report/drill.ts";
import type { Entry } from "../bench/drills/entry.ts";
import { renderDrills } from "../bench/drills/render.ts";

const machine = { date: "2026-11-28", cpus: 2, model: "EPYC", kernel: "6.18" };

function entry(scenario: "gpu-xid" | "api-server-down", seconds: number | null, load: number): Entry {
  const phase = scenario === "gpu-xid" ? "next token" : "redundant again";
  const budgetSeconds = scenarioOf(scenario, "cluster").budgets[phase] ?? null;
  const passed = seconds !== null && seconds <= (budgetSeconds ?? 0);
  const streams = { streams: 20, tokens: 2_000, lost: 0, doubled: 0, longestPauseSeconds: 0.25 };
  const failures = passed ? [] : [`${phase}: too late`];
  const report = { scenario, passed, failures, streams, phases: [{ phase, seconds, budgetSeconds }] };
  return {
    report: report as unknown as DrillReport,
    decisions: 100,
    differences: 0,
    memoryMiB: 1,
    load,
    commit: "abc",
  };
}

test("the table of drills has the median and the worst beside the budget, and says what was red", () => {
  const entries = [
    entry("gpu-xid", 0.4, 9),
    entry("gpu-xid", 1.2, 26),
    entry("gpu-xid", 0.5, 9),
    entry("api-server-down", null, 4),
  ];
  const text = renderDrills(entries, ["gpu-xid", "api-server-down", "switchover"], machine);
  expect(text).toContain("| gpu-xid | 2 of 3 | – | 0.50, 1.20 (1) | – | – | – | 0.25, 0.25 | 9, 26, 9 |");
  expect(text).toContain("| api-server-down | 0 of 1 | – | – | – | – | never (60) | 0.25 | 4 |");
  expect(text).toContain("| switchover | 0 of 0 | – | – | – | – | – | – |  |");
  expect(text).toContain("- gpu-xid, at load 26: next token: too late");
  expect(text).toContain("load average of a minute from 4 to 26");
  expect(text).toContain(
    "8000 tokens of 80 streams and new requests: 0 lost, 0 doubled. 400 recorded decisions were made again",
  );
});
