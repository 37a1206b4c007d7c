import { expect, test } from "vitest";
import type { Manifest } from "../../src/manifests/manifest.ts";
import { renderManifests } from "../../src/manifests/render.ts";
import { type Act, MAY, nameOf, roleActs } from "../support/role-rights.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/** As RBAC does it, without wildcards: the test for that is that the API server says the same (test/cluster). */
function mayDo(manifests: readonly Manifest[], namespace: string, account: string, act: Act): boolean {
  const isBound = ({ kind, subjects, metadata }: Manifest) =>
    /^(Cluster)?RoleBinding$/.test(kind) &&
    (metadata.namespace === undefined || metadata.namespace === act.namespace) &&
    ((subjects ?? []) as { kind: string; name: string; namespace?: string }[]).some(
      (one) => one.kind === "ServiceAccount" && one.name === account && one.namespace === namespace,
    );
  const roles = manifests.filter(isBound).map(({ roleRef }) => roleRef as { kind: string; name: string });
  const rules = manifests
    .filter(({ kind, metadata }) => roles.some((role) => role.kind === kind && role.name === metadata.name))
    .flatMap((role) => role.rules as Rule[]);
  return rules.some(
    ({ apiGroups, resources, resourceNames, verbs }) =>
      apiGroups.includes(act.group) &&
      resources.includes(act.resource) &&
      verbs.includes(act.verb) &&
      (resourceNames?.includes(act.name) ?? true),
  );
}

test.each(STACKS)("%s: nobody but the reconciler may change who is active", (stack) => {
  const plan = stackPlan(stack);
  const manifests = renderManifests(plan);
  const found = Object.keys(MAY).map((account) => {
    const may = roleActs(plan).filter((act) => mayDo(manifests, plan.namespace, account, act));
    return [account, may.map(nameOf)];
  });
  expect(Object.fromEntries(found)).toEqual(MAY);
});

test("the table has every account that the manifests make, and nobody may more with wildcards", () => {
  const manifests = renderManifests(stackPlan("example"));
  const accounts = manifests.filter(({ kind }) => kind === "ServiceAccount").map(({ metadata }) => metadata.name);
  expect(Object.keys(MAY)).toEqual(expect.arrayContaining(accounts));
  const rules = manifests.flatMap(({ rules = [] }) => rules as Rule[]);
  expect(rules.filter((rule) => JSON.stringify(rule).includes('"*"'))).toEqual([]);
});
