import { hasState } from "../../infra/stack/stack-state.ts";
import { findEngine } from "../../machines/local/engine.ts";
import { listMachines } from "../../machines/local/machine.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";

/** Whether a local stack that was made before lacks a machine, or has one that is off. */
export async function machinesAreMissing({ name, spec }: ServingPlan): Promise<boolean> {
  if (spec.provision.kind !== "local" || !(await hasState(name))) return false;
  const engine = await findEngine();
  if (!engine) return true;
  try {
    const running = (await listMachines(engine, name)).filter(({ state }) => state === "running");
    return running.length < Object.keys(spec.servers).length + Object.keys(spec.controlPlane).length;
  } finally {
    await engine.api.close();
  }
}
