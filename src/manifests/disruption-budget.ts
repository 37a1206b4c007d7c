import type { GroupPlan, ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { GROUP_LABEL, groupLabels, STACK_LABEL } from "./names.ts";

/**
 * No engine pod is evicted by a drain: one pod takes its whole group along, and whether the other group can carry the
 * load is not something `kubectl drain` asks. A pod that is not ready protects nothing and may go.
 */
export function disruptionBudget(plan: ServingPlan, group: GroupPlan): Manifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: group.workloadName, namespace: plan.namespace, labels: groupLabels(plan, group) },
    spec: {
      maxUnavailable: 0,
      selector: { matchLabels: { [STACK_LABEL]: plan.name, [GROUP_LABEL]: group.id } },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
