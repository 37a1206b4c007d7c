import { DASHBOARD_PORT } from "../plan/service-ports.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { DASHBOARD, RECONCILER, stackLabels } from "./names.ts";

/**
 * Leads to the page of the reconciler, on either replica: both know the same. It has no address outside of the cluster; whoever
 * wants one puts an Ingress or a Service of their own before it, and TLS.
 */
export function dashboardObjects(plan: ServingPlan): Manifest[] {
  const replicas = { "app.kubernetes.io/name": RECONCILER, ...stackLabels(plan) };
  const metadata = { name: DASHBOARD, namespace: plan.namespace, labels: stackLabels(plan) };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: {
        type: "ClusterIP",
        selector: replicas,
        ports: [{ name: DASHBOARD, port: DASHBOARD_PORT, targetPort: DASHBOARD, protocol: "TCP" }],
      },
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata,
      spec: {
        podSelector: { matchLabels: { "app.kubernetes.io/name": RECONCILER } },
        // Whoever comes needs a key.
        ingress: [{ ports: [{ port: DASHBOARD_PORT, protocol: "TCP" }] }],
        policyTypes: ["Ingress"],
      },
    },
  ];
}
