import { TandemError } from "../../errors.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";

/** @throws TandemError E_REHEARSAL_GROUPS for a plan in which nobody could carry streams on */
export function assertTwoGroups({ name, groups }: ServingPlan): void {
  if (Object.keys(groups).length >= 2) return;
  throw new TandemError({
    code: "E_REHEARSAL_GROUPS",
    what: `${name} has one group`,
    why: "streams can only be carried on by a second group that has the model loaded (failover.standby: hot)",
    fix: "rehearse a spec with two groups, e.g. stacks/local.yaml",
  });
}
