import { describe, expect, test } from "vitest";
import { operatorRole, viewerBinding } from "../../src/manifests/access.ts";
import { reconcilerDeployment, reconcilerServers } from "../../src/manifests/reconciler.ts";
import { reconcilerAccess } from "../../src/manifests/reconciler-access.ts";
import { renderManifests } from "../../src/manifests/render.ts";
import { requestGuard } from "../../src/manifests/request-guard.ts";
import { restartGuard } from "../../src/manifests/restart-guard.ts";
import { reconcilerConfig } from "../../src/reconciler/config.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}
interface Pod {
  serviceAccountName: string;
  hostNetwork?: boolean;
  containers: {
    env: { name: string; value: string }[];
    securityContext: object;
    resources: { limits: { memory: string } };
  }[];
  securityContext: object;
}
const podOf = (name: string) =>
  (reconcilerDeployment(stackPlan(name)).spec as { template: { spec: Pod } }).template.spec;

describe.each(STACKS)("%s: the reconciler", (name) => {
  const plan = stackPlan(name);

  test("never stands on one group alone, and has a server for each replica", () => {
    const servers = reconcilerServers(plan);
    expect(servers.length).toBeGreaterThanOrEqual(2);
    for (const group of Object.values(plan.groups))
      expect(servers.filter((server) => !group.servers.includes(server)).length).toBeGreaterThan(0);
  });

  test("takes its settings, may write nowhere and is nobody", () => {
    const pod = podOf(name);
    const [container] = pod.containers;
    const env = Object.fromEntries(container?.env.map((one) => [one.name, one.value]) ?? []);
    const there = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
    expect(reconcilerConfig({ ...env, ...there }, [])).toMatchObject({
      namespace: plan.namespace,
      name: plan.name,
      listen: { port: 9479 },
      dashboard: { listen: { port: 9480 }, tls: { key: expect.stringContaining("tls.key") } },
    });
    expect(pod.hostNetwork).toBeUndefined();
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
    expect(container?.securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(container?.resources.limits.memory).toBe("192Mi");
  });

  test("changes Nodes of its own stack alone", () => {
    const role = reconcilerAccess(plan).find(({ kind }) => kind === "ClusterRole");
    const writes = ((role?.rules ?? []) as Rule[]).filter(({ verbs }) =>
      verbs.some((verb) => !/get|list|watch/.test(verb)),
    );
    expect(writes).toEqual([
      { apiGroups: [""], resources: ["nodes"], resourceNames: Object.keys(plan.spec.servers).sort(), verbs: ["patch"] },
    ]);
  });
});

const everyRule = STACKS.flatMap((name) =>
  renderManifests(stackPlan(name)).flatMap(({ kind, metadata, rules }) =>
    ((rules ?? []) as Rule[]).map((rule) => ({ role: `${name} ${kind}/${metadata.name}`, rule })),
  ),
);

test("no role of a stack has a wildcard, reads a Secret, or may give rights", () => {
  expect(everyRule.length).toBeGreaterThan(60);
  for (const { role, rule } of everyRule) {
    expect(JSON.stringify(rule), role).not.toContain("*");
    expect(rule.resources, role).not.toContain("secrets");
    expect(rule.apiGroups.join(), role).not.toContain("rbac");
    expect(
      rule.verbs.filter((verb) => /escalate|bind|impersonate|deletecollection/.test(verb)),
      role,
    ).toEqual([]);
  }
});

test("only LeaderWorkerSet is refused the pods of the group that serves, by each stack's own ModelService", () => {
  for (const name of STACKS) {
    const [policy, binding] = restartGuard(stackPlan(name)) as unknown as { spec: Record<string, unknown> }[];
    expect(renderManifests(stackPlan(name))).toEqual(expect.arrayContaining([policy, binding]));
    expect(JSON.stringify(policy?.spec.matchConditions)).toContain(":lws-controller-manager");
    expect(binding?.spec).toMatchObject({ paramRef: { name, namespace: `tandem-${name}` } });
  }
});

test("only operators and the reconciler write ModelServices; the reconciler of the spec only what is asked on its page", () => {
  const writers = everyRule.filter(
    ({ rule }) => rule.resources.some((one) => one.startsWith("modelservices")) && rule.verbs.includes("patch"),
  );
  const told = writers.map(({ role, rule }) => `${role.split(" ")[1]} ${rule.resources.join()}`);
  expect([...new Set(told)].sort()).toEqual([
    "Role/operator modelservices",
    "Role/reconciler modelservices",
    "Role/reconciler modelservices/status",
  ]);
  for (const name of STACKS) {
    const [policy, binding] = requestGuard(stackPlan(name)) as unknown as { spec: Record<string, unknown> }[];
    expect(renderManifests(stackPlan(name))).toEqual(expect.arrayContaining([policy, binding]));
    expect(JSON.stringify(policy?.spec.matchConditions)).toContain(`serviceaccount:tandem-${name}:reconciler`);
    expect(binding?.spec).toMatchObject({ validationActions: ["Deny"] });
  }
  expect((operatorRole(stackPlan("example")).rules as Rule[])[0]?.resourceNames).toEqual(["example"]);
  expect(JSON.stringify(viewerBinding(stackPlan("example")).subjects)).toContain("tandem:example:operators");
});
