import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { groupsOf, PLAN_CONFIG, stackLabels } from "./names.ts";

/**
 * The plan as a person on call wants to read it with `kubectl get configmap serving-plan -o yaml`. Nothing reads it
 * back. Roles are those that the spec starts with; who is active now is not written here.
 */
export function planConfig(plan: ServingPlan): Manifest {
  // Two decimals: more would suggest that the sizing knew them.
  const rounded = (_: string, value: unknown) => (typeof value === "number" ? Math.round(value * 100) / 100 : value);
  const json = (value: object) => `${JSON.stringify(value, rounded, 2)}\n`;
  const groups = groupsOf(plan).map(({ id, role, servers }) => `${id}: ${servers.join(" ")} (${role})\n`);
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: PLAN_CONFIG, namespace: plan.namespace, labels: stackLabels(plan) },
    data: {
      image: plan.image,
      "initial-groups": groups.join(""),
      "launch-leader": `${plan.launch.leader.args.join(" ")}\n`,
      layout: json(plan.layout),
      memory: json(plan.memory),
      model: json(plan.model),
      ports: json(plan.ports),
      warnings: plan.warnings.map((line) => `${line}\n`).join(""),
    },
  };
}
