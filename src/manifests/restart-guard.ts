import type { ServingPlan } from "../plan/serving-plan.ts";
import { admissionPolicy } from "./admission-policy.ts";
import type { Manifest } from "./manifest.ts";
import { GROUP_LABEL } from "./names.ts";

const IS_ACTIVE = [
  "has(params.status) && has(params.status.active)",
  `has(oldObject.metadata.labels) && '${GROUP_LABEL}' in oldObject.metadata.labels`,
  `oldObject.metadata.labels['${GROUP_LABEL}'] == params.status.active`,
].join(" && ");
const SERVES =
  "has(params.status.conditions) && params.status.conditions.exists(one, one.type == 'Serving' && one.status == 'True')";

/**
 * LeaderWorkerSet makes a group anew in which a container has restarted, whenever it comes to see that: after an outage of the API
 * server the group may have healed long ago, and be the one that serves. For as long as it is named active and serves it is refused,
 * and tries again later; a group that does not serve, or is not active, it makes anew as ever. Without a word of the policy's own
 * (its parameter is not read yet) it has to wait too.
 */
export function restartGuard(plan: ServingPlan): Manifest[] {
  return admissionPolicy(plan, {
    suffix: "restarts",
    resourceRule: { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["pods"] },
    matchCondition: {
      name: "by-leader-worker-set",
      // In a cluster of somebody else it may live in another namespace.
      expression: "request.userInfo.username.endsWith(':lws-controller-manager')",
    },
    validations: [
      {
        expression: `!(${IS_ACTIVE} && ${SERVES})`,
        message: "this group serves: it is not made anew for a container that has restarted",
      },
    ],
    readsModelService: true,
  });
}
