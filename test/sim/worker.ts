import { parentPort, workerData } from "node:worker_threads";
import { patchSources } from "./mutants/patch.ts";

/**
 * What a worker is told when it starts: which text of the production code it is to change, if any, and whether all worlds have the
 * faults of one scenario, so that seeds give them other delays alone.
 */
export interface WorkerSetup {
  mutant: string | null;
  scenario: string | null;
}

/** Seeds to run now. With `stopAtBreach` the rest is not run once one is broken. */
export interface Batch {
  from: number;
  count: number;
  stopAtBreach: boolean;
}

const { mutant, scenario } = workerData as WorkerSetup;
// Before anything of the production code is loaded.
if (mutant !== null) patchSources(mutant);
const { simulate } = await import("./simulate.ts");
const { draw } = await import("./faults/draw.ts");
const { addRun, emptyTally } = await import("./tally.ts");
const kept = scenario === null ? null : (await import("./scenario.ts")).readScenario(scenario);

parentPort?.on("message", ({ from, count, stopAtBreach }: Batch) => {
  const tally = emptyTally();
  for (let seed = from; seed < from + count; seed += 1) {
    addRun(tally, simulate(seed, kept ?? draw(seed)));
    if (stopAtBreach && tally.failures.length > 0) break;
  }
  parentPort?.postMessage(tally);
});
