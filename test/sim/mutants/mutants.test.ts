import { expect, test } from "vitest";
import { draw } from "../faults/draw.ts";
import { runSeeds } from "../pool.ts";
import { simulate } from "../simulate.ts";
import { MUTANTS } from "./mutants.ts";

test("there are enough of them, and each has a name of its own", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(15);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

// The whole search, from the first seed on, is `npm run simulate -- --mutants`.
test.each(MUTANTS.map(({ name, seed }) => [name, seed] as const))("%s: caught by seed %i", async (name, seed) => {
  const { failures } = await runSeeds({ from: seed, seeds: 1, workers: 1, mutant: name });
  expect(failures).not.toEqual([]);
  expect(simulate(seed, draw(seed)).breaches, "without the mutant").toEqual([]);
});
