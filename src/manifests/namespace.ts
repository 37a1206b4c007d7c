import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { stackLabels } from "./names.ts";

/** Engines share the server's network and read its disks, which the `baseline` pod security level forbids. */
export function namespace(plan: ServingPlan): Manifest {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: plan.namespace,
      labels: { ...stackLabels(plan), "pod-security.kubernetes.io/enforce": "privileged" },
    },
  };
}
