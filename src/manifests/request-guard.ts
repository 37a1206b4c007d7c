import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { RECONCILER, stackLabels } from "./names.ts";

const API = "admissionregistration.k8s.io/v1";

/** Whatever else stands in the spec is as it was; a missing field is another one than an empty one. */
const SAME_BUT_REQUEST = [
  "object.spec.all(field, field == 'request' || (field in oldObject.spec && object.spec[field] == oldObject.spec[field]))",
  "oldObject.spec.all(field, field == 'request' || field in object.spec)",
].join(" && ");
const ONLY_SWITCHOVER = "!has(object.spec.request) || object.spec.request.kind == 'switchover'";

/**
 * Of the spec of its ModelService the reconciler may write `request`, and there a switchover alone: what somebody with a key asks
 * on its page. RBAC knows no fields, so the API server is told so by a policy of its own (Kubernetes 1.30 and later).
 */
export function requestGuard(plan: ServingPlan): Manifest[] {
  const name = `tandem-${plan.name}-requests`;
  const metadata = { name, labels: stackLabels(plan) };
  const account = `system:serviceaccount:${plan.namespace}:${RECONCILER}`;
  return [
    {
      apiVersion: API,
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ["tandem.dev"],
              apiVersions: ["v1alpha1"],
              operations: ["UPDATE"],
              resources: ["modelservices"],
            },
          ],
        },
        matchConditions: [{ name: "by-the-reconciler", expression: `request.userInfo.username == '${account}'` }],
        validations: [
          { expression: SAME_BUT_REQUEST, message: "the reconciler may write spec.request alone", reason: "Forbidden" },
          {
            expression: ONLY_SWITCHOVER,
            message: "the reconciler may ask for a switchover alone",
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
        validationActions: ["Deny"],
        matchResources: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": plan.namespace } },
        },
      },
    },
  ];
}
