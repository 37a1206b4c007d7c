import { parentPort, workerData } from "node:worker_threads";
import { patchSources } from "./patch.ts";

/** A failing seed of a mutant that is to be made small and written down. */
export interface KeepOrder {
  mutant: string;
  seed: number;
  rule: string;
  folder: string;
}

const { mutant, seed, rule, folder } = workerData as KeepOrder;
// Before anything of the production code is loaded.
patchSources(mutant);
const { keepFailure, readScenario, runScenario, scenarioNames } = await import("../scenario.ts");
const path = keepFailure(seed, rule, folder);
const again = scenarioNames(folder).map((name) => runScenario(readScenario(name, folder)).breaches[0]?.rule ?? null);
parentPort?.postMessage({ path, again });
