import { globSync } from "node:fs";
import { basename } from "node:path";
import { loadPlan } from "../../src/cli/load-plan.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";

/** The specs of `stacks/`, by name. Pulumi keeps its own settings of a stack in the same folder. */
export const STACKS: readonly string[] = globSync("stacks/*.yaml")
  .map((path) => basename(path, ".yaml"))
  .filter((name) => !name.startsWith("Pulumi."))
  .sort();

/** The plan of a stack, also of one whose image digest is still the marked placeholder. */
export function stackPlan(name: string): ServingPlan {
  return loadPlan(`stacks/${name}.yaml`, { allowPlaceholder: true }).plan;
}
