import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addTallies, tallyOf, tallyOfCheck } from "../support/tally.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-tally-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const file = (name: string) => join(process.cwd(), "test", name);
const ran = { name: file("a.test.ts"), status: "passed", assertionResults: [{ status: "passed", fullName: "adds" }] };
const failing = {
  name: file("b.test.ts"),
  status: "failed",
  assertionResults: [
    {
      status: "failed",
      fullName: "b takes away",
      failureMessages: ["\u001b[31mError: took 2\u001b[39m\n    at b.ts:1"],
    },
    { status: "passed", fullName: "b adds" },
  ],
};
const OUTPUT = "1\n2\n3\n4\n5\n6\n7\n8\naddress in use\n    at b.ts:1\n    at c.ts:1";
const didNotLoad = { name: file("c.test.ts"), status: "failed", message: "Cannot find module", assertionResults: [] };
const report = { numPassedTests: 3, numPendingTests: 0, testResults: [ran] };
const clean = { passed: 3, failed: 0, skipped: 0, failures: [] };

test.each([
  { when: "all pass", report, exitCode: 0, then: clean },
  {
    when: "one fails",
    report: { ...report, testResults: [ran, failing] },
    exitCode: 1,
    then: { ...clean, failed: 1, failures: ["test/b.test.ts: b takes away: Error: took 2"] },
  },
  {
    when: "one fails with the output of a process",
    report: {
      ...report,
      testResults: [
        {
          ...failing,
          assertionResults: [{ ...failing.assertionResults[0], failureMessages: [`Error: ended:\n${OUTPUT}`] }],
        },
      ],
    },
    exitCode: 1,
    then: {
      ...clean,
      failed: 1,
      failures: ["test/b.test.ts: b takes away: Error: ended:\n  …\n  4\n  5\n  6\n  7\n  8\n  address in use"],
    },
  },
  {
    when: "a file does not load",
    report: { ...report, testResults: [ran, didNotLoad] },
    exitCode: 1,
    then: { ...clean, failed: 1, failures: ["test/c.test.ts: Cannot find module"] },
  },
  {
    when: "a rejection is unhandled",
    report,
    exitCode: 1,
    then: { ...clean, failed: 1, failures: ["unit: an error outside of any test, see above"] },
  },
  {
    when: "two are skipped",
    report: { ...report, numPendingTests: 1, numTodoTests: 1 },
    exitCode: 0,
    then: { ...clean, skipped: 2 },
  },
])("$when", async ({ report, exitCode, then }) => {
  const file = join(folder, "report.json");
  await writeFile(file, JSON.stringify(report));
  expect(await tallyOf("unit", file, exitCode)).toEqual(then);
});

test("a runner that wrote no report is a failure, also if it says that all is well", async () => {
  const missing = join(folder, "missing.json");
  const failed = { passed: 0, failed: 1, skipped: 0 };
  expect(await tallyOf("unit", missing, 0)).toEqual({ ...failed, failures: ["unit: wrote no report (exit 0)"] });
  expect(await tallyOf("unit", missing, undefined)).toEqual({
    ...failed,
    failures: ["unit: wrote no report (killed)"],
  });
});

test("a program that passes or fails as a whole is one test", () => {
  expect(tallyOfCheck("style", 0)).toEqual({ passed: 1, failed: 0, skipped: 0, failures: [] });
  expect(tallyOfCheck("style", 2)).toEqual({ passed: 0, failed: 1, skipped: 0, failures: ["style (exit 2)"] });
});

test("tallies add up", () => {
  expect(
    addTallies([
      { passed: 1, failed: 2, skipped: 3, failures: ["a", "b"] },
      { passed: 10, failed: 20, skipped: 30, failures: ["c"] },
    ]),
  ).toEqual({ passed: 11, failed: 22, skipped: 33, failures: ["a", "b", "c"] });
});
