import { parentPort, workerData } from "node:worker_threads";
import { patchSources } from "./patch.ts";

/** A scenario to run with a mistake in the production code. */
export interface ScenarioOrder {
  mutant: string;
  scenario: string;
}

const { mutant, scenario } = workerData as ScenarioOrder;
// Before anything of the production code is loaded.
patchSources(mutant);
const { readScenario, runScenario } = await import("../scenario.ts");
parentPort?.postMessage(runScenario(readScenario(scenario)).breaches);
