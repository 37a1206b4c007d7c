import type { MemoryPlan, ServingPlan } from "../plan/serving-plan.ts";

/**
 * A plan for other programs: the whole plan with the warnings of spec and plan, GiB to three digits (the sizing knows no
 * more). Others rely on its names; they are only ever added to.
 */
export function planData(plan: ServingPlan, warnings: readonly string[]): ServingPlan {
  return { ...plan, memory: rounded(plan.memory), warnings: [...warnings] };
}

function rounded(memory: MemoryPlan): MemoryPlan {
  const entries = Object.entries(memory).map(([name, value]) => [name, Math.round(value * 1000) / 1000]);
  return Object.fromEntries(entries) as MemoryPlan;
}
