import type { ServingPlan } from "../plan/serving-plan.ts";
import { engineAccount, operatorBinding, operatorRole, viewerBinding, viewerRole } from "./access.ts";
import { agentDaemon } from "./agent.ts";
import { agentAccess } from "./agent-access.ts";
import { dashboardObjects } from "./dashboard.ts";
import { devicePlugin } from "./device-plugin.ts";
import { disruptionBudget } from "./disruption-budget.ts";
import { drillDefinition } from "./drill/crd.ts";
import { gatewayObjects } from "./gateway.ts";
import { imagePull } from "./image-pull.ts";
import type { Manifest } from "./manifest.ts";
import { modelServiceDefinition } from "./model-service/crd.ts";
import { leaderWorkerSetOf } from "./model-service/leader-worker-set.ts";
import { modelService } from "./model-service/model-service.ts";
import { groupsOf } from "./names.ts";
import { namespace } from "./namespace.ts";
import { closedByDefault, reconcilerMetricsOpen } from "./network-policy.ts";
import { planConfig } from "./plan-config.ts";
import { priorityClass } from "./priority-class.ts";
import { reconcilerDeployment } from "./reconciler.ts";
import { reconcilerAccess } from "./reconciler-access.ts";
import { requestGuard } from "./request-guard.ts";
import { restartGuard } from "./restart-guard.ts";
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
    modelServiceDefinition(),
    drillDefinition(),
    priorityClass(plan),
    engineAccount(plan),
    viewerRole(plan),
    viewerBinding(plan),
    operatorRole(plan),
    operatorBinding(plan),
    planConfig(plan),
    closedByDefault(plan),
    ...groups.map((group) => disruptionBudget(plan, group)),
    ...(active === undefined ? [] : [activeService(plan, active)]),
    ...groups.map((group) => leaderService(plan, group)),
    imagePull(plan),
    ...agentAccess(plan),
    agentDaemon(plan),
    ...gatewayObjects(plan),
    ...reconcilerAccess(plan),
    reconcilerMetricsOpen(plan),
    reconcilerDeployment(plan),
    ...devicePlugin(plan),
    ...requestGuard(plan),
    ...restartGuard(plan),
    ...dashboardObjects(plan),
    { ...modelService(plan) },
  ];
}

/**
 * The LeaderWorkerSets that the reconciler makes of the ModelService, for reading. Nobody applies them: which group runs, and
 * with which revision, is the reconciler's to say.
 */
export function renderGroups(plan: ServingPlan): Manifest[] {
  const service = modelService(plan);
  return service.spec.groups.map(({ id }) => leaderWorkerSetOf(service, id));
}
