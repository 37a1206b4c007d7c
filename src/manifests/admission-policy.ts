import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Manifest } from "./manifest.ts";
import { MODEL_SERVICE } from "./model-service/resource.ts";
import { stackLabels } from "./names.ts";

const API = "admissionregistration.k8s.io/v1";

export interface AdmissionRules {
  /** What the policy is called after the stack, as in `tandem-prod-requests`. */
  suffix: string;
  /** What is looked at. */
  resourceRule: { apiGroups: string[]; apiVersions: string[]; operations: string[]; resources: string[] };
  /** Whose requests are looked at, in CEL. */
  matchCondition: { name: string; expression: string };
  /** Rules in CEL, each with what the refused one is told. */
  validations: readonly { expression: string; message: string }[];
  /** The rules read the stack's ModelService as `params`; where there is none they refuse nothing. */
  readsModelService?: boolean;
}

/** A policy of the API server for the namespace of a stack, and its binding (Kubernetes 1.30 and later): it refuses what breaks a rule. */
export function admissionPolicy(plan: ServingPlan, rules: AdmissionRules): Manifest[] {
  const { suffix, resourceRule, matchCondition, validations, readsModelService = false } = rules;
  const name = `tandem-${plan.name}-${suffix}`;
  const metadata = { name, labels: stackLabels(plan) };
  const paramRef = { name: plan.name, namespace: plan.namespace, parameterNotFoundAction: "Allow" };
  return [
    {
      apiVersion: API,
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: {
        failurePolicy: "Fail",
        ...(readsModelService ? { paramKind: { ...MODEL_SERVICE } } : {}),
        matchConstraints: { resourceRules: [resourceRule] },
        matchConditions: [matchCondition],
        validations: validations.map((one) => ({ ...one, reason: "Forbidden" })),
      },
    },
    {
      apiVersion: API,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata,
      spec: {
        policyName: name,
        ...(readsModelService ? { paramRef } : {}),
        validationActions: ["Deny"],
        matchResources: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": plan.namespace } },
        },
      },
    },
  ];
}
