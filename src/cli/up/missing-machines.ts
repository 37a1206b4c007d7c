import { machinesInState } from "../../infra/stack/stack-state.ts";
import { findEngine } from "../../machines/local/engine.ts";
import { listMachines } from "../../machines/local/machine.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";

/**
 * Whether a machine that Pulumi made for a local stack is gone or off. One that the spec names for the first time is not
 * missing: looking at the whole stack for it costs ten seconds.
 */
export async function machinesAreMissing({ name, spec }: ServingPlan): Promise<boolean> {
  if (spec.provision.kind !== "local") return false;
  const known = await machinesInState(name);
  if (known === undefined) return true;
  if (known.length === 0) return false;
  const engine = await findEngine();
  if (!engine) return true;
  try {
    const machines = await listMachines(engine, name);
    const running = new Set(machines.filter(({ state }) => state === "running").map((machine) => machine.name));
    return known.some((machine) => !running.has(machine));
  } finally {
    await engine.api.close();
  }
}
