import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { AGENT, stackLabels } from "./names.ts";

/**
 * What the reporter beside each agent may do: read and follow Nodes, write their conditions, and write Events. Nothing
 * can be read that is secret, and no pod, label or taint can be changed. RBAC knows no "its own Node" for an account
 * that all servers share; the API server's record of requests names the pod.
 */
export function agentAccess(plan: ServingPlan): Manifest[] {
  const labels = stackLabels(plan);
  // Roles for Nodes belong to no namespace, so the stack's name keeps two stacks of one cluster apart.
  const role = `tandem-${plan.name}-${AGENT}`;
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: AGENT, namespace: plan.namespace, labels },
      automountServiceAccountToken: false,
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: role, labels },
      rules: [
        { apiGroups: [""], resources: ["nodes"], verbs: ["get", "watch"] },
        { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
        { apiGroups: [""], resources: ["events"], verbs: ["create"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: role, labels },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
      subjects: [{ kind: "ServiceAccount", name: AGENT, namespace: plan.namespace }],
    },
  ];
}
