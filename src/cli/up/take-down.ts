import { existsSync } from "node:fs";
import { withLastStackLock } from "../../infra/stack/stack-lock.ts";
import { stackDir } from "../../machines/home.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { destroyStack } from "./destroy-stack.ts";
import type { Phase } from "./phases.ts";

/** `tandem down` as a function: `pulumi destroy`, machines, daemon, the stack's folder. Nothing there is fine. */
export async function takeDown(
  plan: ServingPlan,
  file: string,
  phase: Phase,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  if (existsSync(stackDir(plan.name)))
    await withLastStackLock(plan.name, () => destroyStack(plan, file, phase, signal));
}
