import { describe, expect, test } from "vitest";
import { argumentOf, enginePods, everyPod, leaderWorkerSets, ofKind, PLANS, type PodSpec } from "./rendered.ts";

// What a deployment of DeepSeek on SGLang must get right: networks, disks, identity and traffic of groups (21, 23 to 25).

describe("must get right: 21, networks by their exact names", () => {
  test("one interface for NCCL and Gloo, an exact device list, a GID for RoCE alone, no QoS", () => {
    for (const { name, plan, env } of everyPod) {
      const { interface: nic, rdma } = plan.spec.network;
      expect(env.GLOO_SOCKET_IFNAME, name).toBe(nic);
      expect(env.NCCL_SOCKET_IFNAME, name).toBe(`=${nic}`);
      expect(env.NCCL_IB_HCA, name).toBe(rdma.kind === "none" ? undefined : `=${rdma.devices.join(",")}`);
      expect(env.NCCL_IB_GID_INDEX, name).toBe(rdma.kind === "roce" ? String(rdma.gidIndex) : undefined);
      expect(env.NCCL_IB_DISABLE, name).toBe(rdma.kind === "none" ? "1" : undefined);
      expect(
        Object.keys(env).filter((key) => /_TC$|_SL$|TRAFFIC_CLASS|QPS|NET_PLUGIN|GRAPH_REGISTER/.test(key)),
        name,
      ).toEqual([]);
    }
  });
});

describe("must get right: 23, everything that a start needs is on the server already", () => {
  test("weights and compiled kernels lie on each server's disk, at the same place on active and standby", () => {
    for (const { name, plan, pod, container, words, env } of everyPod) {
      const at = (volume: string) => pod.volumes.find((candidate) => candidate.name === volume)?.hostPath;
      const mount = (volume: string) => container.volumeMounts.find((candidate) => candidate.name === volume);
      // `Directory` fails where there is nothing; an empty folder made up on the spot would start a download.
      expect(at("weights"), name).toEqual({ path: plan.model.weightsPath, type: "Directory" });
      expect(mount("weights"), name).toMatchObject({ mountPath: argumentOf(words, "--model-path"), readOnly: true });
      expect(at("kernel-cache")?.type, name).toBe("DirectoryOrCreate");
      expect(mount("kernel-cache")?.mountPath, name).toBe(env.SGLANG_CACHE_DIR);
    }
  });

  test("every server of the stack pulls the engine's image beforehand and is watched: groups and spares, tainted or not", () => {
    for (const [name, plan] of PLANS) {
      for (const daemon of ["engine-image", "agent"]) {
        const found = ofKind(plan, "DaemonSet").find(({ metadata }) => metadata.name === daemon);
        if (found === undefined) throw new Error(`${name} has no ${daemon}`);
        const { spec } = (found.spec as { template: { spec: PodSpec } }).template;
        if (daemon === "engine-image") expect(spec.initContainers?.[0]?.image, name).toBe(plan.image);
        expect(spec.tolerations, name).toEqual([{ operator: "Exists" }]);
        expect(spec.nodeSelector, name).toEqual({ "tandem.dev/stack": plan.name });
        // One more server is no other template: all agents would start anew, and nobody would watch meanwhile.
        for (const server of Object.keys(plan.spec.servers))
          expect(JSON.stringify(found), name).not.toContain(`"${server}"`);
      }
    }
    expect(PLANS.find(([name]) => name === "spare")?.[1].spec.spares).toEqual(["gpu-c"]);
  });
});

describe("must get right: 24, a group that can be lost and rebuilt by itself", () => {
  test("one LeaderWorkerSet for each group, one replica, no surge; pods follow the group's label and name no server", () => {
    for (const [name, plan] of PLANS) {
      const sets = leaderWorkerSets(plan);
      expect(
        sets.map(({ manifest }) => manifest.metadata.labels?.["tandem.dev/group"]),
        name,
      ).toEqual(Object.keys(plan.groups));
      for (const { manifest, spec } of sets) {
        expect(spec.replicas, name).toBe(1);
        expect(spec.rolloutStrategy.rollingUpdateConfiguration.maxSurge, name).toBe(0);
        for (const server of Object.keys(plan.spec.servers))
          expect(JSON.stringify(manifest), name).not.toContain(`"${server}"`);
      }
      for (const { group, pod } of enginePods(plan))
        expect(pod.nodeSelector, name).toEqual({ "tandem.dev/group": group });
    }
  });

  test("pods of a lost server are given up after 20 to 30 s, not after Kubernetes' 300", () => {
    for (const { name, pod } of everyPod) {
      for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
        const seconds = pod.tolerations.filter(
          (toleration) => toleration.key === key && toleration.effect === "NoExecute",
        );
        expect(
          seconds.map(({ tolerationSeconds }) => (tolerationSeconds ?? 0) >= 20 && (tolerationSeconds ?? 99) <= 30),
          name,
        ).toEqual([true]);
      }
    }
  });

  test("a leader leaves its Service, drains 120 s and has 20 more; workers, which wait for its word, outlast it", () => {
    for (const [name, plan] of PLANS) {
      const [leader, worker] = enginePods(plan);
      expect(leader?.container.lifecycle?.preStop?.sleep?.seconds, name).toBeGreaterThan(0);
      expect(leader?.pod.terminationGracePeriodSeconds, name).toBe(140);
      // In 0.5.23 a worker ends when the leader says so: with less grace it would cut the leader's drain short. When the
      // leader is lost, nobody waits: pods are then deleted with a grace of their own.
      expect(worker?.pod.terminationGracePeriodSeconds, name).toBeGreaterThanOrEqual(140);
      expect(worker?.container.lifecycle, name).toBeUndefined();
    }
  });

  test("no drain evicts a rank of a serving group", () => {
    for (const [name, plan] of PLANS)
      for (const budget of ofKind(plan, "PodDisruptionBudget"))
        expect(budget.spec, name).toMatchObject({ maxUnavailable: 0, unhealthyPodEvictionPolicy: "AlwaysAllow" });
  });
});

describe("must get right: 25, traffic reaches the active leader alone", () => {
  const selects = (selector: Record<string, string>, labels: Record<string, string>) =>
    Object.entries(selector).every(([key, value]) => labels[key] === value);

  test("by the labels that pods get, each Service selects exactly one leader", () => {
    for (const [name, plan] of PLANS) {
      const active = Object.values(plan.groups).find(({ role }) => role === "active")?.id;
      // LeaderWorkerSet adds these two to each pod.
      const pods = enginePods(plan).map(({ role, group, labels }) => ({
        place: `${group}/${role}`,
        labels: {
          ...labels,
          "leaderworkerset.sigs.k8s.io/name": `sglang-${group}`,
          "leaderworkerset.sigs.k8s.io/worker-index": role === "leader" ? "0" : "1",
        },
      }));
      for (const { metadata, spec } of ofKind(plan, "Service")) {
        const { selector } = spec as { selector: Record<string, string> };
        const hits = pods.filter(({ labels }) => selects(selector, labels)).map(({ place }) => place);
        if (metadata.name === "active") expect(hits, name).toEqual([`${active}/leader`]);
        else if (metadata.name.startsWith("sglang-"))
          expect(hits, name).toEqual([`${metadata.name.split("-")[1]}/leader`]);
      }
    }
  });

  test("the label that makes a group active is the reconciler's to move, and the Service says what it cannot do", () => {
    for (const [name, plan] of PLANS) {
      const active = ofKind(plan, "Service").find(({ metadata }) => metadata.name === "active");
      expect(active?.spec, name).toHaveProperty(["selector", "tandem.dev/group"]);
      expect(active?.metadata.annotations?.["tandem.dev/note"], name).toMatch(/lost/);
    }
  });
});
