import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { stackLabels } from "./names.ts";

/**
 * Nothing on the pod network of this namespace is reachable unless a later policy says so. This does not cover the
 * engines: they use the server's own network, where a NetworkPolicy has no effect, and their ports are closed to
 * strangers by the servers' firewall.
 */
export function closedByDefault(plan: ServingPlan): Manifest {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "closed-by-default", namespace: plan.namespace, labels: stackLabels(plan) },
    spec: { podSelector: {}, policyTypes: ["Ingress"] },
  };
}
