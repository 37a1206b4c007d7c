import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { ENGINE_ACCOUNT, stackLabels } from "./names.ts";

const VIEWER = "viewer";

/** Engines run as an account of their own that may do nothing: no token is mounted and no role is bound to it. */
export function engineAccount(plan: ServingPlan): Manifest {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: ENGINE_ACCOUNT, namespace: plan.namespace, labels: stackLabels(plan) },
    automountServiceAccountToken: false,
  };
}

/** What a person on call needs to see. Reading only, named resources only, and no Secrets. */
export function viewerRole(plan: ServingPlan): Manifest {
  const read = (apiGroup: string, resources: string[]) => ({
    apiGroups: [apiGroup],
    resources,
    verbs: ["get", "list", "watch"],
  });
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: VIEWER, namespace: plan.namespace, labels: stackLabels(plan) },
    rules: [
      read("", ["configmaps", "events", "pods", "services"]),
      { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
      read("apps", ["daemonsets", "statefulsets"]),
      read("discovery.k8s.io", ["endpointslices"]),
      read("leaderworkerset.x-k8s.io", ["leaderworkersets"]),
      read("policy", ["poddisruptionbudgets"]),
    ],
  };
}

/** Members of the group `tandem:<stack>:viewers` (from the certificate or the identity provider) may look. */
export function viewerBinding(plan: ServingPlan): Manifest {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: VIEWER, namespace: plan.namespace, labels: stackLabels(plan) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: VIEWER },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: `tandem:${plan.name}:viewers` }],
  };
}
