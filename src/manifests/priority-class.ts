import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { priorityClassName, stackLabels } from "./names.ts";

/** Above all ordinary work, far below the system classes (2,000,000,000), so a rebuilt group takes its GPUs back. */
export function priorityClass(plan: ServingPlan): Manifest {
  return {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: priorityClassName(plan), labels: stackLabels(plan) },
    value: 1_000_000,
    globalDefault: false,
    preemptionPolicy: "PreemptLowerPriority",
    description: `Engine ranks of ${plan.name}: losing one rank loses the whole group.`,
  };
}
