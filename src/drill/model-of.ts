import type { ServingPlan } from "../plan/serving-plan.ts";
import type { ModelTraits } from "./plan-streams.ts";

/** How the planned model's answers look, read from its own command line and name. */
export function modelOf(plan: ServingPlan): ModelTraits {
  const { args } = plan.launch.leader;
  const parser = args[args.indexOf("--reasoning-parser") + 1];
  if (!args.includes("--reasoning-parser")) return { thinking: "never", opensThink: false };
  return {
    thinking: parser === "deepseek-r1" ? "always" : "asked",
    // The template of R1-0528 leaves the opening tag to the model.
    opensThink: plan.model.preset.includes("0528"),
  };
}
