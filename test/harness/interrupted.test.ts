import { execa } from "execa";
import { expect, test } from "vitest";

test("a signal ends `npm test` with the count of what was done, and starts nothing more", async () => {
  const run = execa(process.execPath, ["test/run.ts"], { reject: false, stdin: "ignore" });
  // The first that it says is the title of the first stage.
  run.stdout.once("data", () => run.kill("SIGTERM"));
  const { stdout, exitCode } = await run;
  expect(exitCode).toBe(143);
  expect(stdout.trimEnd().split("\n").slice(-2)).toEqual([
    "failed: interrupted by SIGTERM",
    "0 passed, 1 failed, 0 skipped",
  ]);
  expect(stdout.match(/^── .+(?= \()/gm)).toEqual(["── types", "── done"]);
});
