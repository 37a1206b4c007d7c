import type { ServingPlan } from "../plan/serving-plan.ts";
import { admissionPolicy } from "./admission-policy.ts";
import type { Manifest } from "./manifest.ts";
import { RECONCILER } from "./names.ts";

/** Whatever else stands in the spec is as it was; a missing field is another one than an empty one. */
const SAME_BUT_REQUEST = [
  "object.spec.all(field, field == 'request' || (field in oldObject.spec && object.spec[field] == oldObject.spec[field]))",
  "oldObject.spec.all(field, field == 'request' || field in object.spec)",
].join(" && ");
const ONLY_SWITCHOVER = "!has(object.spec.request) || object.spec.request.kind == 'switchover'";

/**
 * Of the spec of its ModelService the reconciler may write `request`, and there a switchover alone: what somebody with a key asks
 * on its page. RBAC knows no fields, so the API server is told so by a policy of its own.
 */
export function requestGuard(plan: ServingPlan): Manifest[] {
  const account = `system:serviceaccount:${plan.namespace}:${RECONCILER}`;
  return admissionPolicy(plan, {
    suffix: "requests",
    resourceRule: {
      apiGroups: ["tandem.dev"],
      apiVersions: ["v1alpha1"],
      operations: ["UPDATE"],
      resources: ["modelservices"],
    },
    matchCondition: { name: "by-the-reconciler", expression: `request.userInfo.username == '${account}'` },
    validations: [
      { expression: SAME_BUT_REQUEST, message: "the reconciler may write spec.request alone" },
      { expression: ONLY_SWITCHOVER, message: "the reconciler may ask for a switchover alone" },
    ],
  });
}
