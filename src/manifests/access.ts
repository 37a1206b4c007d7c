import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { ENGINE_ACCOUNT, stackLabels } from "./names.ts";

const VIEWER = "viewer";
const OPERATOR = "operator";

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
      read("tandem.dev", ["drills", "modelservices"]),
    ],
  };
}

/** Members of the group `tandem:<stack>:viewers` (from the certificate or the identity provider) may look; so may operators. */
export function viewerBinding(plan: ServingPlan): Manifest {
  return binding(plan, VIEWER, ["viewers", "operators"]);
}

/**
 * What a person needs who may move traffic, pause the automation or take a server out: to write the ModelService's `spec`.
 * Whoever has not got this cannot change roles: the gateways take their word from the reconciler, whose token is in a Secret.
 */
export function operatorRole(plan: ServingPlan): Manifest {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: OPERATOR, namespace: plan.namespace, labels: stackLabels(plan) },
    rules: [
      {
        apiGroups: ["tandem.dev"],
        resources: ["modelservices"],
        resourceNames: [plan.name],
        verbs: ["get", "watch", "patch"],
      },
      // A drill leaves its record: what operators run.
      { apiGroups: ["tandem.dev"], resources: ["drills"], verbs: ["get", "list", "create", "patch"] },
      { apiGroups: ["tandem.dev"], resources: ["drills/status"], verbs: ["patch"] },
    ],
  };
}

/** Members of the group `tandem:<stack>:operators` may switch over. */
export function operatorBinding(plan: ServingPlan): Manifest {
  return binding(plan, OPERATOR, ["operators"]);
}

function binding(plan: ServingPlan, role: string, groups: readonly string[]): Manifest {
  const group = (name: string) => ({
    apiGroup: "rbac.authorization.k8s.io",
    kind: "Group",
    name: `tandem:${plan.name}:${name}`,
  });
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: role, namespace: plan.namespace, labels: stackLabels(plan) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role },
    subjects: groups.map(group),
  };
}
