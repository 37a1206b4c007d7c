import type { ServingPlan } from "./serving-plan.ts";

/** Whether gateways have the standby read along. Without a prefix cache it would only read the same over and over. */
export function warmsStandby({ spec, launch }: Pick<ServingPlan, "spec" | "launch">): boolean {
  return (spec.gateway?.warmStandby ?? true) && !launch.leader.args.includes("--disable-radix-cache");
}
