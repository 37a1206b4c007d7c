import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { CONTENDERS } from "../bench/comparison/contenders.ts";
import { renderComparison } from "../bench/comparison/render.ts";
import type { Outcome } from "../bench/comparison/score.ts";
import { summarize } from "../bench/comparison/summary.ts";
import { withSection } from "../bench/section.ts";

const outcome = (change: Partial<Outcome> = {}): Outcome => ({
  id: "tandem",
  fault: "server-power",
  place: "rank 0",
  struck: 2,
  gapsSeconds: [0.8, 0.9],
  cutSeconds: [],
  silent: 0,
  othersBroken: 0,
  tokensLost: 0,
  tokensDoubled: 0,
  probes: 50,
  probesFailed: 0,
  servedAfterSeconds: 0,
  slowestFirstTokenSeconds: 0.7,
  ...change,
});

test("rounds are added up; one in which requests were never served is the longest of all", () => {
  const never = outcome({
    gapsSeconds: [3],
    servedAfterSeconds: null,
    probesFailed: 25,
    slowestFirstTokenSeconds: null,
  });
  const summary = summarize([outcome(), never, outcome({ servedAfterSeconds: 1.5 })]);
  expect(summary).toMatchObject({
    struck: 6,
    carriedOn: 5,
    gapSeconds: { median: 0.9, max: 3 },
    cutSeconds: null,
    probes: 150,
    probesFailed: 25,
    servedAfterSeconds: { median: 1.5, max: null },
    slowestFirstTokenSeconds: 0.7,
  });
});

test("the section names what was measured, on what, and every proxy in every table", () => {
  const bad = { gapsSeconds: [], cutSeconds: [0.78, 0.5], servedAfterSeconds: null, probesFailed: 9 };
  const text = renderComparison({
    date: "2026-11-28",
    commit: "abc1234",
    versions: { haproxy: "2.6.12" },
    machine: { cpus: 2, model: "CPU", kernel: "6.1" },
    load: [0.5, 2.25],
    alone: true,
    runs: 1,
    outcomes: CONTENDERS.map(({ id }) => outcome(id === "tandem" ? {} : { id, ...bad })),
    costs: {
      load: 3,
      realTime: true,
      rows: [{ id: "tandem", usPerToken: 40.4, rssMiB: 100, p50Ms: 1, p99Ms: 4 }],
    },
  });
  expect(text).toContain("haproxy 2.6.12, on 2 × CPU, Linux 6.1");
  expect(text).toContain("load average of a minute 0.5 at the beginning, 2.3 at the end");
  expect(text).toContain(
    "| Tandem's gateway | 2 of 2 | 0.80, 0.90 s | 0 | 0 | 0, 0 | 0 of 50 | 0.70 s | 40 µs | 1.0, 4.0 ms |",
  );
  expect(text).toContain("at a load average of 3.0 and with real-time priority over the other work. ");
  expect(text).toContain("### server-power of the server with rank 0 (1 run)");
  expect(text).toContain("| HAProxy, tuned | 0 of 2 | – | 2, 0.50, 0.78 s | 0 | 9 of 50 | not in 10 s | 0.70 s |");
});

test("a section takes the place of its earlier self and leaves the others", () => {
  const other = "<!-- a: written by npm run bench a -->\n\nother\n\n<!-- /a -->";
  const once = withSection(`# Title\n\n${other}\n`, "b", "first\n");
  expect(withSection(once, "b", "second\n")).toBe(once.replace("first", "second"));
  expect(once).toBe(`# Title\n\n${other}\n\n<!-- b: written by npm run bench b -->\n\nfirst\n\n<!-- /b -->\n`);
});

test("every proxy has a configuration, and every setting of a tuned one stands under a reason", () => {
  const files = globSync("test/bench/comparison/config/*").map((path) => basename(path).replace(/\.\w+$/, ""));
  expect(files.sort()).toEqual(
    CONTENDERS.map(({ id }) => id)
      .filter((id) => id !== "tandem")
      .sort(),
  );
  const args = readFileSync("test/bench/comparison/config/sglang-router-tuned.args", "utf8").split("\n\n");
  for (const part of args.slice(1)) expect(part).toMatch(/^#/);
});
