import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { ACTIVE_SERVICE, RECONCILER, RECONCILER_LEASE, stackLabels } from "./names.ts";

const RBAC = "rbac.authorization.k8s.io";

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/**
 * What the reconciler may do: everything with its own groups, in its own namespace; of Nodes, which belong to none, it reads
 * all and changes those of this stack by name. It reads no Secret. It makes pods of its own for one thing: to reset the GPUs of
 * a server that serves nobody.
 */
export function reconcilerAccess(plan: ServingPlan): Manifest[] {
  const labels = stackLabels(plan);
  const account = { name: RECONCILER, namespace: plan.namespace };
  // Roles for Nodes belong to no namespace, so the stack's name keeps two stacks of one cluster apart.
  const forNodes = `tandem-${plan.name}-${RECONCILER}`;
  const subjects = [{ kind: "ServiceAccount", ...account }];
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { ...account, labels },
      automountServiceAccountToken: false,
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "Role",
      metadata: { ...account, labels },
      rules: [
        rule("tandem.dev", ["modelservices"], ["get", "list", "watch"]),
        rule("tandem.dev", ["modelservices/status"], ["patch"], [plan.name]),
        // `spec.request` alone, for whoever asks on its page with a key that may: `request-guard.ts` sees to the rest.
        rule("tandem.dev", ["modelservices"], ["patch"], [plan.name]),
        // Records of failovers and of drills; it makes them, finishes them, and drops those that are too many.
        rule("tandem.dev", ["drills"], ["get", "list", "watch", "create", "patch", "delete"]),
        rule("tandem.dev", ["drills/status"], ["patch"]),
        // Clusters with OwnerReferencesPermissionEnforcement ask this of whoever makes an object that an owner waits for.
        rule("tandem.dev", ["modelservices/finalizers"], ["update"], [plan.name]),
        rule("leaderworkerset.x-k8s.io", ["leaderworkersets"], ["get", "list", "watch", "create", "patch", "delete"]),
        rule("", ["pods"], ["get", "list", "watch", "create", "delete"]),
        rule("", ["services"], ["get", "patch"], [ACTIVE_SERVICE]),
        rule("", ["events"], ["create"]),
        // RBAC cannot name an object that does not exist yet.
        rule("coordination.k8s.io", ["leases"], ["create"]),
        rule("coordination.k8s.io", ["leases"], ["get", "update"], [RECONCILER_LEASE]),
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata: { ...account, labels },
      roleRef: { apiGroup: RBAC, kind: "Role", name: RECONCILER },
      subjects,
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRole",
      metadata: { name: forNodes, labels },
      rules: [
        rule("", ["nodes"], ["get", "list", "watch"]),
        // Its label, its taints and the record of a quarantine.
        rule("", ["nodes"], ["patch"], Object.keys(plan.spec.servers).sort()),
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: forNodes, labels },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: forNodes },
      subjects,
    },
  ];
}

function rule(apiGroup: string, resources: string[], verbs: string[], resourceNames?: string[]): Rule {
  return { apiGroups: [apiGroup], resources, ...(resourceNames === undefined ? {} : { resourceNames }), verbs };
}
