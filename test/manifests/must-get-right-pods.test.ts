import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeInputs } from "../../src/infra/program/node-inputs.ts";
import type { StackInputs } from "../../src/infra/program/stack-inputs.ts";
import { firewallRules } from "../../src/machines/server/firewall.ts";
import type { NodeConfig } from "../../src/machines/server/node-config.ts";
import { planned, refused } from "../plan/good-spec.ts";
import { argumentOf, enginePods, everyPod, leaderWorkerSets, ofKind, PLANS } from "./rendered.ts";

// What a deployment of DeepSeek on SGLang must get right: the pods (12 to 20). The command line is in
// must-get-right-flags.test.ts, what makes a group of pods in must-get-right-groups.test.ts.

/** Emulated ranks need next to nothing; what a real server needs is asked of the others. */
const realPods = everyPod.filter(({ plan }) => plan.spec.provision.kind !== "local");
const gib = (quantity: string) => Number(/^(\d+)Gi$/.exec(quantity)?.[1] ?? Number.NaN);

test("all 25 points have a test that carries their number", () => {
  const folder = new URL(".", import.meta.url);
  const source = ["flags", "pods", "groups"].map((part) =>
    readFileSync(new URL(`must-get-right-${part}.test.ts`, folder), "utf8"),
  );
  const numbers = [...source.join("").matchAll(/^describe\("must get right: (\d+),/gm)].map(([, point]) =>
    Number(point),
  );
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
});

describe("must get right: 12, every rank's server listens where kubelet asks", () => {
  test("--host 0.0.0.0 and --port on leaders and workers, and probes go to that port", () => {
    for (const { name, plan, words, container } of everyPod) {
      expect(argumentOf(words, "--host"), name).toBe("0.0.0.0");
      expect(argumentOf(words, "--port"), name).toBe(String(plan.ports.http));
      const http = container.ports.find((declared) => declared.name === "http");
      expect(http?.containerPort, name).toBe(plan.ports.http);
      for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe])
        if (probe?.httpGet !== undefined) expect(probe.httpGet.port, name).toBe("http");
    }
  });
});

describe("must get right: 13, where ranks meet", () => {
  test("the address is the leader pod's own name in the headless Service that LeaderWorkerSet makes, on all alike", () => {
    for (const { name, words, plan } of everyPod)
      expect(argumentOf(words, "--dist-init-addr"), name).toBe(`$(LWS_LEADER_ADDRESS):${plan.ports.dist}`);
  });

  test("no Service of ours takes that name: a ClusterIP cannot be bound by the leader", () => {
    for (const [name, plan] of PLANS) {
      const services = ofKind(plan, "Service").map(({ metadata }) => metadata.name);
      const headless = leaderWorkerSets(plan).map(({ manifest }) => manifest.metadata.name);
      expect(
        services.filter((service) => headless.includes(service)),
        name,
      ).toEqual([]);
      // One headless Service for each set (`Shared`), named as the set: LWS_LEADER_ADDRESS is <set>-0.<set>.<namespace>.
      for (const { spec } of leaderWorkerSets(plan))
        expect(spec).toMatchObject({ networkConfig: { subdomainPolicy: "Shared" } });
    }
  });
});

describe("must get right: 14, ports", () => {
  test("P to P+13 and the HTTP port are declared on every server, so that nothing else is put there", () => {
    for (const { name, plan, container } of everyPod) {
      const wanted = [plan.ports.http, ...Array.from({ length: 14 }, (_, offset) => plan.ports.dist + offset)];
      const declared = container.ports.map(({ containerPort }) => containerPort);
      expect([...declared].sort(), name).toEqual([...wanted].sort());
      expect(
        container.ports.map(({ hostPort }) => hostPort),
        name,
      ).toEqual(declared);
      expect(
        declared.filter((port) => port >= 22000),
        name,
      ).toEqual([]);
    }
  });

  test.each([
    ["network.ports.dist", 22000],
    ["network.ports.dist", 21990],
    ["network.ports.http", 30000],
    ["network.ports.http", 32768],
    ["network.ports.http", 20013],
  ])("%s %i is refused", (path, port) => {
    expect(refused({ [path]: port }).map(({ code }) => code)).toContain("E_PLAN_PORT");
  });

  test("the servers' firewall opens them to servers of the stack alone", () => {
    for (const [name, plan] of PLANS) {
      const target = { name: "gpu-a", address: "10.0.0.11", user: "root", port: 22 };
      const node = nodeInputs({ plan } as StackInputs, { role: "gpu", target } as never) as unknown as NodeConfig;
      const rules = firewallRules({ ...node, podCidr: plan.spec.network.podCidr }).split("\n");
      const guarded = rules.find((rule) => rule.includes("jump strangers")) ?? "";
      for (const port of plan.ports.reserved) expect(guarded, name).toMatch(new RegExp(`[ ,]${port}[ ,]`));
      expect(rules, name).toContain("    ip saddr @nodes accept");
      expect(rules.indexOf("    counter drop"), name).toBeGreaterThan(rules.indexOf("    ip saddr @nodes accept"));
    }
  });

  test("ZMQ sockets, whose ports are random, take servers of the stack alone", () => {
    for (const { name, plan, env } of everyPod) {
      const addresses = Object.values(plan.spec.servers).map(({ address }) => address);
      expect(env.SGLANG_ZMQ_ALLOWED_PEERS?.split(",").sort(), name).toEqual(["127.0.0.1", ...addresses].sort());
    }
  });
});

describe("must get right: 15, the server's network", () => {
  test("hostNetwork with the cluster's DNS, and neither its IPC nor its processes", () => {
    for (const { name, pod } of everyPod) {
      expect(pod, name).toMatchObject({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" });
      expect(pod.hostIPC, name).toBeUndefined();
      expect(pod.hostPID, name).toBeUndefined();
    }
  });
});

describe("must get right: 16, workers start with the leader", () => {
  test("LeaderCreated: a leader is ready only after its workers have joined", () => {
    for (const [name, plan] of PLANS)
      for (const { spec } of leaderWorkerSets(plan)) expect(spec.startupPolicy, name).toBe("LeaderCreated");
  });
});

describe("must get right: 17, probes of the leader", () => {
  test("the start may take 45 minutes, and /health gets the 20 s that SGLang gives itself", () => {
    for (const { name, container } of everyPod) {
      const probe = container.startupProbe;
      expect(probe?.httpGet?.path, name).toBe("/health");
      expect((probe?.failureThreshold ?? 0) * (probe?.periodSeconds ?? 0), name).toBeGreaterThanOrEqual(45 * 60);
      expect(probe?.timeoutSeconds, name).toBeGreaterThanOrEqual(21);
    }
  });

  test("ready means /ready, on the leader alone, and something calls /health every 10 s to keep it fresh", () => {
    for (const { name, role, container } of everyPod) {
      if (role === "worker") {
        expect(container.readinessProbe?.httpGet, name).toBeUndefined();
        expect(container.livenessProbe, name).toBeUndefined();
        continue;
      }
      expect(container.readinessProbe?.httpGet?.path, name).toBe("/ready");
      expect(container.livenessProbe?.httpGet?.path, name).toBe("/health");
      expect(container.livenessProbe?.periodSeconds, name).toBeLessThanOrEqual(10);
      expect(container.livenessProbe?.timeoutSeconds, name).toBeGreaterThanOrEqual(21);
    }
  });

  test("kubelet never restarts a loaded engine: a failing liveness probe would take 680 years to act", () => {
    for (const { container } of everyPod)
      if (container.livenessProbe !== undefined) expect(container.livenessProbe.failureThreshold).toBe(2 ** 31 - 1);
  });
});

describe("must get right: 18, a worker's probes prove more than that it has loaded", () => {
  test("a worker is ready while all its ranks live (what the check does: ranks-alive.test.ts)", () => {
    for (const { name, role, plan, container } of everyPod) {
      if (role === "leader") continue;
      const command = container.readinessProbe?.exec?.command ?? [];
      expect(command.slice(0, 2), name).toEqual(["/bin/sh", "-c"]);
      expect(command.at(-1), name).toBe(String(plan.gpusPerServer));
      expect(container.readinessProbe?.periodSeconds, name).toBeLessThanOrEqual(10);
    }
  });
});

describe("must get right: 19, restarts", () => {
  test("a container that ends is started again whatever its exit code, and takes its group along once that has started", () => {
    for (const [, plan] of PLANS)
      for (const { spec } of leaderWorkerSets(plan))
        expect(spec.leaderWorkerTemplate.restartPolicy).toBe("RecreateGroupAfterStart");
    for (const { name, pod } of everyPod) expect(pod.restartPolicy, name).toBe("Always");
  });
});

describe("must get right: 20, memory, pinning and RDMA devices", () => {
  test("/dev/shm is memory of at least 32 GiB, bounded, inside the limit; requests equal limits", () => {
    for (const { name, pod, container } of realPods) {
      const shm = pod.volumes.find((volume) => volume.name === "shm")?.emptyDir;
      expect(shm?.medium, name).toBe("Memory");
      expect(gib(shm?.sizeLimit ?? ""), name).toBeGreaterThanOrEqual(32);
      expect(gib(container.resources.limits.memory ?? ""), name).toBeGreaterThan(2 * gib(shm?.sizeLimit ?? ""));
      expect(container.resources.requests, name).toEqual(container.resources.limits);
      expect(container.resources.limits["nvidia.com/gpu"], name).toBe("8");
    }
    for (const { pod } of everyPod) expect(pod.volumes[0]?.emptyDir?.sizeLimit).toMatch(/^\d+[MG]i$/);
  });

  const rdma = (fields: object) => planned({ "network.rdma": { kind: "infiniband", devices: ["mlx5_0"], ...fields } });
  const opened = (plan: ReturnType<typeof planned>) =>
    enginePods(plan).map(({ container, pod }) => ({
      ...container.securityContext,
      resource: container.resources.limits["rdma/hca"],
      mounted: pod.volumes.some(({ hostPath }) => hostPath?.path === "/dev/infiniband"),
    }))[0];

  test("a device plugin hands out the devices; privileged is only what asks for it", () => {
    const locked = { allowPrivilegeEscalation: false, capabilities: { add: ["IPC_LOCK"] } };
    expect(opened(rdma({ resource: "rdma/hca" }))).toEqual({ ...locked, resource: "1", mounted: false });
    expect(opened(rdma({ resource: "rdma/hca", privileged: true }))).toEqual({
      ...locked,
      resource: "1",
      mounted: false,
    });
    expect(opened(rdma({ privileged: true }))).toEqual({ privileged: true, resource: undefined, mounted: true });
    expect(opened(rdma({}))).toEqual({ ...locked, resource: undefined, mounted: true });
    expect(rdma({}).warnings.join()).toContain("cannot open /dev/infiniband");
    expect(opened(planned({ "network.rdma": { kind: "none", privileged: undefined } }))).toEqual({
      ...locked,
      resource: undefined,
      mounted: false,
    });
  });

  test("of the stacks, those are privileged whose spec says so", () => {
    for (const { name, plan, container } of everyPod) {
      const asked = plan.spec.network.rdma.privileged === true;
      expect(container.securityContext.privileged ?? false, name).toBe(asked);
    }
  });
});
