import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addTallies, tallyOf } from "../support/tally.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-tally-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ran = { status: "passed", assertionResults: [{}] };
const didNotLoad = { status: "failed", assertionResults: [] };
const report = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, testResults: [ran] };

test.each([
  { when: "all pass", report, exitCode: 0, then: { passed: 3, failed: 0, skipped: 0 } },
  {
    when: "one fails",
    report: { ...report, numFailedTests: 1 },
    exitCode: 1,
    then: { passed: 3, failed: 1, skipped: 0 },
  },
  {
    when: "a file does not load",
    report: { ...report, testResults: [ran, didNotLoad] },
    exitCode: 1,
    then: { passed: 3, failed: 1, skipped: 0 },
  },
  { when: "a rejection is unhandled", report, exitCode: 1, then: { passed: 3, failed: 1, skipped: 0 } },
  {
    when: "two are skipped",
    report: { ...report, numPendingTests: 1, numTodoTests: 1 },
    exitCode: 0,
    then: { passed: 3, failed: 0, skipped: 2 },
  },
])("$when", async ({ report, exitCode, then }) => {
  const file = join(folder, "report.json");
  await writeFile(file, JSON.stringify(report));
  expect(await tallyOf(file, exitCode)).toEqual(then);
});

test("a runner that wrote no report is a failure", async () => {
  expect(await tallyOf(join(folder, "missing.json"), 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test("tallies add up", () => {
  expect(
    addTallies([
      { passed: 1, failed: 2, skipped: 3 },
      { passed: 10, failed: 20, skipped: 30 },
    ]),
  ).toEqual({ passed: 11, failed: 22, skipped: 33 });
});
