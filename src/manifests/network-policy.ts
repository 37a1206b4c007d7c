import { RECONCILER_PORT } from "../plan/service-ports.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { RECONCILER, stackLabels } from "./names.ts";

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

/** Except the reconciler's health and metrics, which hold nothing that is secret. */
export function reconcilerMetricsOpen(plan: ServingPlan): Manifest {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: `${RECONCILER}-metrics`, namespace: plan.namespace, labels: stackLabels(plan) },
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/name": RECONCILER } },
      ingress: [{ ports: [{ port: RECONCILER_PORT, protocol: "TCP" }] }],
      policyTypes: ["Ingress"],
    },
  };
}
