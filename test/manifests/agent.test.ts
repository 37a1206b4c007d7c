import { describe, expect, test } from "vitest";
import { agentDaemon } from "../../src/manifests/agent.ts";
import { agentAccess } from "../../src/manifests/agent-access.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";

interface Container {
  name: string;
  command: string[];
  env: { name: string; value?: string }[];
  securityContext: Record<string, unknown>;
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
}

const podOf = (name: string) =>
  (
    agentDaemon(stackPlan(name)) as unknown as {
      spec: { template: { spec: { containers: Container[]; volumes: { name: string }[]; [field: string]: unknown } } };
    }
  ).spec.template.spec;

describe.each(STACKS)("%s: the agent's pod", (name) => {
  const pod = podOf(name);
  const [agent, reporter] = pod.containers;

  test("runs on a server whatever its taints, and sees the server's processes and network", () => {
    expect(pod).toMatchObject({ tolerations: [{ operator: "Exists" }], hostNetwork: true, hostPID: true });
  });

  test("gives privileges and the account to two different containers", () => {
    expect(agent?.securityContext).toMatchObject({ privileged: true });
    expect(agent?.volumeMounts.map(({ name: volume }) => volume)).not.toContain("account");
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(reporter?.volumeMounts.map(({ name: volume }) => volume)).toContain("account");
    expect(reporter?.securityContext).toMatchObject({
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(reporter?.securityContext).not.toHaveProperty("privileged");
  });

  test("lets the agent write nowhere", () => {
    expect(agent?.volumeMounts.filter(({ readOnly }) => readOnly !== true)).toEqual([]);
    for (const { securityContext } of pod.containers)
      expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });

  test("has a volume for every mount, and both sides agree on the file between them", () => {
    const volumes = pod.volumes.map(({ name: volume }) => volume).sort();
    const mounts = pod.containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name: volume }) => volume));
    expect([...new Set(mounts)].sort()).toEqual(volumes);
    const value = (container: Container | undefined, variable: string) =>
      container?.env.find((one) => one.name === variable)?.value;
    expect(value(agent, "AGENT_CONDITIONS")).toBe(value(reporter, "REPORTER_CONDITIONS"));
    expect(value(reporter, "REPORTER_AGENT_URL")).toBe(`http://127.0.0.1:${value(agent, "AGENT_PORT")}`);
  });
});

test("the account may read Nodes, write their status and write Events, and nothing else", () => {
  const [account, role, binding] = agentAccess(stackPlan("example"));
  expect(account).toMatchObject({ kind: "ServiceAccount", automountServiceAccountToken: false });
  expect(role?.rules).toEqual([
    { apiGroups: [""], resources: ["nodes"], verbs: ["get", "watch"] },
    { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
    { apiGroups: [""], resources: ["events"], verbs: ["create"] },
  ]);
  expect(binding).toMatchObject({
    roleRef: { kind: "ClusterRole", name: role?.metadata.name },
    subjects: [{ name: account?.metadata.name, namespace: account?.metadata.namespace }],
  });
  // Two stacks of one cluster do not share a role.
  expect(agentAccess(stackPlan("local"))[1]?.metadata.name).not.toBe(role?.metadata.name);
});
