import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { draw } from "../faults/draw.ts";
import { runSeeds } from "../pool.ts";
import { readScenario, runScenario } from "../scenario.ts";
import { simulate } from "../simulate.ts";
import { MUTANTS } from "./mutants.ts";
import type { ScenarioOrder } from "./scenario-worker.ts";

test("there are enough of them, and each has a name of its own", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(15);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

const bySeed = MUTANTS.flatMap((one) => ("seed" in one ? [[one.name, one.seed] as const] : []));
const byScenario = MUTANTS.flatMap((one) => ("scenario" in one ? [[one.name, one.scenario] as const] : []));

// The whole search, from the first seed on, is `npm run simulate -- --mutants`.
test.each(bySeed)("%s: caught by seed %i", async (name, seed) => {
  const { failures } = await runSeeds({ from: seed, seeds: 1, workers: 1, mutant: name });
  expect(failures).not.toEqual([]);
  expect(simulate(seed, draw(seed)).breaches, "without the mutant").toEqual([]);
});

test.each(byScenario)("%s: caught by %s", async (mutant, scenario) => {
  const order: ScenarioOrder = { mutant, scenario };
  const worker = new Worker(new URL("./scenario-worker.ts", import.meta.url), { workerData: order });
  const breaches = await new Promise((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  expect(breaches).not.toEqual([]);
  expect(runScenario(readScenario(scenario)).breaches, "without the mutant").toEqual([]);
});
