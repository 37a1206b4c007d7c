import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { draw } from "./faults/draw.ts";
import type { KeepOrder } from "./mutants/keep-worker.ts";
import { MUTANTS } from "./mutants/mutants.ts";
import { readScenario, runScenario } from "./scenario.ts";

const MUTANT = "starts without a fence";
const RULE = "not-fenced";

/** In a thread of its own, where the production code has the mistake. */
function keep(order: KeepOrder): Promise<{ path: string; again: (string | null)[] }> {
  const worker = new Worker(new URL("./mutants/keep-worker.ts", import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
}

test("a failing seed is made small, written down, breaks the same rule again, and none once the mistake is gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-kept-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const mutant = MUTANTS.find(({ name }) => name === MUTANT);
  if (mutant === undefined || !("seed" in mutant)) throw new Error(`${MUTANT} has no seed`);
  const { seed } = mutant;
  const { path, again } = await keep({ mutant: MUTANT, seed, rule: RULE, folder });
  expect(again).toEqual([RULE]);
  const kept = readScenario(basename(path), folder);
  expect(kept).toMatchObject({ seed, broke: { rule: RULE } });
  expect(kept.about).toContain(`seed ${seed}`);
  expect(kept.faults.length).toBeGreaterThan(0);
  expect(kept.faults.length).toBeLessThan(draw(seed).faults.length);
  expect(kept.transcript.join("\n")).toContain(`BREACH ${RULE}`);
  expect(runScenario(kept)).toMatchObject({ breaches: [], ending: expect.stringMatching(/^(serves|needs a person)$/) });
});
