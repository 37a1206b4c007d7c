import type { GroupPlan, ServingPlan } from "../plan/serving-plan.ts";

/** Node label that makes a server a member of a group. Only the reconciler moves it; pods never name hosts. */
export const GROUP_LABEL = "tandem.dev/group";
/** On every object of a stack, and on the node of each of its GPU servers for as long as it belongs to the stack. */
export const STACK_LABEL = "tandem.dev/stack";

/** Labels that LeaderWorkerSet v0.9 puts on every pod of a group (api/leaderworkerset/v1/leaderworkerset_types.go). */
export const LWS_NAME_LABEL = "leaderworkerset.sigs.k8s.io/name";
export const LWS_WORKER_INDEX_LABEL = "leaderworkerset.sigs.k8s.io/worker-index";

/** Agent, gateway and reconciler in one image: built on the operator's machine and imported by every node. */
export const TANDEM_IMAGE = "tandem.local/tandem:dev";

export const ENGINE_ACCOUNT = "engine";
export const ACTIVE_SERVICE = "active";
export const PLAN_CONFIG = "serving-plan";
export const PULL_DAEMON = "engine-image";
export const AGENT = "agent";
export const GATEWAY = "gateway";
export const RECONCILER = "reconciler";
/** Whichever replica of the reconciler holds it acts; the other one looks on. */
export const RECONCILER_LEASE = "reconciler";

/** Secret with `agent-token`, `admin-token`, `keys.json` (names and SHA-256 of API keys) and `dashboard-keys.json`; never rendered. */
export const ACCESS_SECRET = "tandem-access";
/** Service of the page, and the name of what opens its port. */
export const DASHBOARD = "dashboard";
/** Secret of type kubernetes.io/tls for the page; whoever wants it served over TLS makes it. */
export const DASHBOARD_TLS_SECRET = "dashboard-tls";

/** Secret with `NAME.user` and `NAME.password` of each server's BMC, for specs that name `bmc.secretFile`; never rendered. */
export const BMC_SECRET = "tandem-bmc";

/** PriorityClasses belong to no namespace, so the stack's name keeps two stacks of one cluster apart. */
export function priorityClassName(plan: ServingPlan): string {
  return `tandem-${plan.name}-engine`;
}

export const PART_OF = { "app.kubernetes.io/part-of": "tandem" } as const;
/** What the engine's pods and the objects of its groups are called. */
export const ENGINE_NAME = { "app.kubernetes.io/name": "sglang" } as const;

/** On every object, so that `kubectl get -l tandem.dev/stack=prod` shows all of a stack and `down` misses none. */
export function stackLabels(plan: ServingPlan): Record<string, string> {
  return { ...PART_OF, [STACK_LABEL]: plan.name };
}

export function groupLabels(plan: ServingPlan, group: GroupPlan): Record<string, string> {
  return { ...ENGINE_NAME, ...stackLabels(plan), [GROUP_LABEL]: group.id };
}

/** In the order of their names, so that the order in which a spec lists them changes nothing. */
export function groupsOf(plan: ServingPlan): GroupPlan[] {
  return Object.values(plan.groups).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * A node selector for what runs on every GPU server of the stack, spares too. Not by their names: one more server would be
 * another template, and a DaemonSet would start all its pods anew, so that for a while nobody watches.
 */
export function onEveryServer(plan: ServingPlan): Record<string, string> {
  return { [STACK_LABEL]: plan.name };
}

/** A node affinity for servers that the spec chose by name: which they are changes with the spec alone. */
export function onServers(names: readonly string[]): object {
  const term = { key: "kubernetes.io/hostname", operator: "In", values: [...names].sort() };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [term] }] },
    },
  };
}
