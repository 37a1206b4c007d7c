import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { MODEL_SERVICE } from "./model-service/resource.ts";
import { GROUP_LABEL, stackLabels } from "./names.ts";

const API = "admissionregistration.k8s.io/v1";

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
  const name = `tandem-${plan.name}-restarts`;
  const metadata = { name, labels: stackLabels(plan) };
  return [
    {
      apiVersion: API,
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: {
        failurePolicy: "Fail",
        paramKind: { ...MODEL_SERVICE },
        matchConstraints: {
          resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["pods"] }],
        },
        matchConditions: [
          {
            name: "by-leader-worker-set",
            // In a cluster of somebody else it may live in another namespace.
            expression: "request.userInfo.username.endsWith(':lws-controller-manager')",
          },
        ],
        validations: [
          {
            expression: `!(${IS_ACTIVE} && ${SERVES})`,
            message: "this group serves: it is not made anew for a container that has restarted",
            reason: "Forbidden",
          },
        ],
      },
    },
    {
      apiVersion: API,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata,
      spec: {
        policyName: name,
        paramRef: { name: plan.name, namespace: plan.namespace, parameterNotFoundAction: "Allow" },
        validationActions: ["Deny"],
        matchResources: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": plan.namespace } },
        },
      },
    },
  ];
}
