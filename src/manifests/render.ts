import type { ServingPlan } from "../plan/serving-plan.ts";
import { engineAccount, viewerBinding, viewerRole } from "./access.ts";
import { agentDaemon } from "./agent.ts";
import { agentAccess } from "./agent-access.ts";
import { disruptionBudget } from "./disruption-budget.ts";
import { gatewayObjects } from "./gateway.ts";
import { imagePull } from "./image-pull.ts";
import { leaderWorkerSet } from "./leader-worker-set.ts";
import type { Manifest } from "./manifest.ts";
import { groupsOf } from "./names.ts";
import { namespace } from "./namespace.ts";
import { closedByDefault } from "./network-policy.ts";
import { planConfig } from "./plan-config.ts";
import { priorityClass } from "./priority-class.ts";
import { activeService, leaderService } from "./services.ts";

/**
 * Every Kubernetes object of a stack, in the order in which they can be applied one by one: what is referred to comes
 * before what refers to it, groups in the order of their names. No object holds a secret.
 */
export function renderManifests(plan: ServingPlan): Manifest[] {
  const groups = groupsOf(plan);
  const active = groups.find(({ role }) => role === "active");
  return [
    namespace(plan),
    priorityClass(plan),
    engineAccount(plan),
    viewerRole(plan),
    viewerBinding(plan),
    planConfig(plan),
    closedByDefault(plan),
    ...groups.map((group) => disruptionBudget(plan, group)),
    ...(active === undefined ? [] : [activeService(plan, active)]),
    ...groups.map((group) => leaderService(plan, group)),
    imagePull(plan),
    ...agentAccess(plan),
    agentDaemon(plan),
    ...gatewayObjects(plan),
    ...groups.map((group) => leaderWorkerSet(plan, group)),
  ];
}
