import { describe, expect, test } from "vitest";
import { briefly, changed, IMAGE, problemsOf } from "./specs.ts";

const oneGroup = {
  groups: { a: ["gpu-a", "gpu-b"] },
  "servers.gpu-c": undefined,
  "servers.gpu-d": undefined,
  "gateway.on": ["cp-1"],
};
const LOCAL = {
  provision: { kind: "local", subnet: "10.0.0.0/24" },
  "servers.gpu-a.bmc": { address: "10.0.0.21" },
};
const TAGGED = "ghcr.io/x/sglang:v1";

test("the good spec has no problem", () => {
  expect(problemsOf(changed({}))).toEqual([]);
});

// Each row: what is changed in the good spec → exactly what must be said about it.
const REFUSED: [string, Record<string, unknown>, string[]][] = [
  [
    "two servers, one address",
    { "servers.gpu-b.address": "10.0.0.11" },
    ["E_SPEC_ADDRESS_OVERLAP servers.gpu-b.address"],
  ],
  [
    "control plane on a server",
    { "controlPlane.cp-1.address": "10.0.0.13" },
    ["E_SPEC_ADDRESS_OVERLAP controlPlane.cp-1.address"],
  ],
  ["gateway on a server", { "gateway.address": "10.0.0.14" }, ["E_SPEC_ADDRESS_OVERLAP gateway.address"]],
  ["BMC on a server", { "servers.gpu-a.bmc.address": "10.0.0.14" }, ["E_SPEC_ADDRESS_OVERLAP servers.gpu-d.address"]],
  [
    "BMC twice",
    { "servers.gpu-b.bmc": { address: "10.0.9.11" } },
    ["E_SPEC_ADDRESS_OVERLAP servers.gpu-b.bmc.address"],
  ],
  ["server in podCidr", { "servers.gpu-b.address": "10.244.3.4" }, ["E_SPEC_ADDRESS_OVERLAP servers.gpu-b.address"]],
  ["gateway in serviceCidr", { "gateway.address": "10.96.0.1" }, ["E_SPEC_ADDRESS_OVERLAP gateway.address"]],
  ["podCidr over serviceCidr", { "network.podCidr": "10.96.128.0/17" }, ["E_SPEC_ADDRESS_OVERLAP network.serviceCidr"]],
  [
    "podCidr over everything",
    { "network.podCidr": "0.0.0.0/0" },
    Array(8).fill(expect.stringMatching(/^E_SPEC_ADDRESS_OVERLAP/)),
  ],
  ["loopback", { "servers.gpu-b.address": "127.0.0.2" }, ["E_SPEC_ADDRESS servers.gpu-b.address"]],
  ["multicast", { "gateway.address": "239.1.2.3" }, ["E_SPEC_ADDRESS gateway.address"]],
  [
    "local address outside the subnet, and its bridge",
    {
      ...LOCAL,
      "servers.gpu-b.address": "10.0.1.12",
      "servers.gpu-c.address": "10.0.0.1",
    },
    ["E_SPEC_ADDRESS servers.gpu-b.address", "E_SPEC_ADDRESS servers.gpu-c.address"],
  ],
  [
    "a BMC outside the local subnet, and one that brings its own password",
    {
      ...LOCAL,
      "servers.gpu-a.bmc": { address: "10.0.9.11" },
      "servers.gpu-b.bmc": { address: "10.0.0.22", secretFile: "bmc" },
    },
    ["E_SPEC_ADDRESS servers.gpu-a.bmc.address", "E_SPEC_BMC servers.gpu-b.bmc.secretFile"],
  ],
  [
    "pods in the local subnet",
    { ...LOCAL, "network.podCidr": "10.0.0.128/25" },
    ["E_SPEC_ADDRESS_OVERLAP network.podCidr"],
  ],
  [
    "a server in two groups",
    { "groups.b": ["gpu-b", "gpu-d"], "gateway.on": ["cp-1"] },
    ["W_SPEC_UNUSED_SERVER servers.gpu-c", "E_SPEC_SERVER_TWICE groups.b.0"],
  ],
  [
    "a server twice in a group",
    { "groups.b": ["gpu-c", "gpu-c"] },
    ["W_SPEC_UNUSED_SERVER servers.gpu-d", "E_SPEC_SERVER_TWICE groups.b.1"],
  ],
  ["a spare that is a member", { spares: ["gpu-d"] }, ["E_SPEC_SERVER_TWICE spares.0"]],
  ["an unknown member", { "groups.b": ["gpu-c", "gpu-dd"] }, ["E_SPEC_UNKNOWN_SERVER groups.b.1"]],
  ["an unknown spare", { spares: ["x"] }, ["E_SPEC_UNKNOWN_SERVER spares.0"]],
  ["an unknown gateway place", { "gateway.on": ["cp-2", "gpu-c"] }, ["E_SPEC_UNKNOWN_SERVER gateway.on.0"]],
  ["groups of unequal size", { "groups.b": ["gpu-c"], spares: ["gpu-d"] }, ["E_SPEC_GROUP_SIZE groups.b"]],
  [
    "a spare of another kind",
    { "servers.gpu-e": { address: "10.0.0.15", gpu: "H20-96" }, spares: ["gpu-e"] },
    ["E_SPEC_GPU_MIX spares.0"],
  ],
  [
    "groups of servers with 8 and with 4 GPUs",
    { "servers.gpu-c.gpus": 4, "servers.gpu-d.gpus": 4 },
    ["E_SPEC_GROUP_SIZE groups.b"],
  ],
  ["the gateway on sshd's port", { "gateway.port": 22 }, ["E_SPEC_PORT gateway.port"]],
  ["the gateway in the ephemeral range", { "gateway.port": 40000 }, ["E_SPEC_PORT gateway.port"]],
  ["no group", { groups: {}, spares: ["gpu-a", "gpu-b", "gpu-c", "gpu-d"] }, ["E_SPEC_GROUP groups"]],
  [
    "three groups",
    { groups: { a: ["gpu-a"], b: ["gpu-b"], c: ["gpu-c"] }, spares: ["gpu-d"] },
    ["W_SPEC_FAILURE_DOMAIN servers.gpu-b.failureDomain.rack", "E_SPEC_GROUP_COUNT groups.c"],
  ],
  ["hot with one group", { ...oneGroup, "failover.standby": "hot" }, ["E_SPEC_STANDBY failover.standby"]],
  ["both groups active", { "failover.standby": "none" }, ["E_SPEC_BOTH_ACTIVE failover.standby"]],
  ["spare with two groups", { "failover.standby": "spare" }, ["E_SPEC_STANDBY failover.standby"]],
  ["degraded with two groups", { "failover.standby": "degraded" }, ["E_SPEC_STANDBY failover.standby"]],
  ["spare without a spare", { ...oneGroup, "failover.standby": "spare" }, ["E_SPEC_STANDBY failover.standby"]],
  ["degraded without a build", { ...oneGroup, "failover.standby": "degraded" }, ["E_SPEC_STANDBY failover.standby"]],
  [
    "degraded with one server",
    {
      ...oneGroup,
      groups: { a: ["gpu-a"] },
      "servers.gpu-b": undefined,
      failover: { standby: "degraded", degraded: { preset: "deepseek-r1-0528-awq", weights: "/models/awq" } },
    },
    ["E_SPEC_STANDBY failover.standby"],
  ],
  ["both gateways on group a", { "gateway.on": ["gpu-a", "gpu-b"] }, ["E_SPEC_GATEWAY gateway.on.1"]],
  ["both gateways on group b", { "gateway.on": ["gpu-d", "gpu-c"] }, ["E_SPEC_GATEWAY gateway.on.1"]],
  ["both gateways on one server", { "gateway.on": ["cp-1", "cp-1"] }, ["E_SPEC_GATEWAY gateway.on.1"]],
  ["gateway in the NodePort range", { "gateway.port": 31000 }, ["E_SPEC_PORT gateway.port"]],
  ["gateway on the API server's port", { "gateway.port": 6443 }, ["E_SPEC_PORT gateway.port"]],
  ["an image without a digest", { "engine.image": TAGGED }, ["E_SPEC_IMAGE_DIGEST engine.image"]],
  [
    "the same on an existing cluster",
    { "engine.image": TAGGED, provision: { kind: "existing", kubeconfig: "x" } },
    ["E_SPEC_IMAGE_DIGEST engine.image"],
  ],
  [
    "a placeholder digest",
    { "engine.image": `${TAGGED}@sha256:placeholder` },
    ["E_SPEC_IMAGE_PLACEHOLDER engine.image"],
  ],
  [
    "a device plugin by tag",
    { "provision.devicePlugin": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0" },
    ["E_SPEC_DEVICE_PLUGIN provision.devicePlugin"],
  ],
  ["a short digest", { "engine.image": IMAGE.slice(0, -1) }, ["E_SPEC_IMAGE engine.image"]],
  ["no image reference", { "engine.image": "SG Lang" }, ["E_SPEC_IMAGE engine.image"]],
  ["the emulator on real servers", { "engine.image": "emulator" }, ["E_SPEC_IMAGE_EMULATOR engine.image"]],
  ["shm as large as the memory", { "engine.resources": { memoryGiB: 32 } }, ["E_SPEC_SHM engine.resources.shmGiB"]],
  ["shm alone too large", { "engine.resources": { shmGiB: 2000 } }, ["E_SPEC_SHM engine.resources.shmGiB"]],
  [
    "privileged without RDMA",
    { "network.rdma": { kind: "none", privileged: true } },
    ["E_SPEC_RDMA network.rdma.kind"],
  ],
  ["weights on the root", { "model.weights": "/" }, ["E_SPEC_WEIGHTS model.weights"]],
  ["weights in /tmp", { "model.weights": "/tmp/x" }, ["E_SPEC_WEIGHTS model.weights"]],
  ["weights with ..", { "model.weights": "/models/../etc" }, ["E_SPEC_WEIGHTS model.weights"]],
  ["weights with a blank", { "model.weights": "/my models" }, ["E_SPEC_WEIGHTS model.weights"]],
  ["relative weights", { "model.weights": "models" }, ["E_SPEC_VALUE model.weights"]],
  [
    "RoCE without a GID index",
    { "network.rdma": { kind: "roce", devices: ["mlx5_0"] } },
    ["E_SPEC_RDMA network.rdma.kind"],
  ],
  [
    "InfiniBand with one",
    { "network.rdma": { kind: "infiniband", devices: ["mlx5_0"], gidIndex: 3 } },
    ["E_SPEC_RDMA network.rdma.gidIndex"],
  ],
  ["RDMA without devices", { "network.rdma": { kind: "infiniband" } }, ["E_SPEC_RDMA network.rdma.kind"]],
  [
    "devices without RDMA",
    { "network.rdma": { kind: "none", devices: ["mlx5_0"] } },
    ["E_SPEC_RDMA network.rdma.kind"],
  ],
  ["a device twice", { "network.rdma.devices": ["mlx5_0", "mlx5_0"] }, ["E_SPEC_RDMA network.rdma.devices.1"]],
  [
    "one name for two nodes",
    { controlPlane: { "gpu-a": { address: "10.0.0.10" } }, "gateway.on": ["gpu-c"] },
    ["E_SPEC_NAME_TWICE controlPlane.gpu-a"],
  ],
  ["no control plane", { controlPlane: {}, "gateway.on": ["gpu-c"] }, ["E_SPEC_CONTROL_PLANE controlPlane"]],
  ["two control planes", { "controlPlane.cp-2": { address: "10.0.0.9" } }, ["E_SPEC_CONTROL_PLANE controlPlane.cp-2"]],
  [
    "names that are too long together",
    { name: "a".repeat(40), groups: { ["b".repeat(12)]: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-d"] } },
    [`E_SPEC_NAME groups.${"b".repeat(12)}`],
  ],
  [
    "a group that begins with a digit",
    { groups: { 2: ["gpu-a", "gpu-b"], a: ["gpu-c", "gpu-d"] } },
    ["E_SPEC_NAME groups.2"],
  ],
];

const ALLOWED: [string, Record<string, unknown>][] = [
  [
    "an existing cluster without a control plane",
    { provision: { kind: "existing", kubeconfig: "~/.kube/config" }, controlPlane: {}, "gateway.on": ["gpu-c"] },
  ],
  ["a local cluster with a tag alone", { ...LOCAL, "engine.image": TAGGED }],
  ["a local cluster with the emulator", { ...LOCAL, "engine.image": "emulator" }],
  [
    "a spare",
    { ...oneGroup, "servers.gpu-e": { address: "10.0.0.15" }, spares: ["gpu-e"], "failover.standby": "spare" },
  ],
  ["a hot standby with a spare as well", { "servers.gpu-e": { address: "10.0.0.15" }, spares: ["gpu-e"] }],
  ["one group alone", { ...oneGroup, "failover.standby": "none" }],
  [
    "degraded",
    {
      ...oneGroup,
      failover: { standby: "degraded", degraded: { preset: "deepseek-r1-0528-awq", weights: "/models/awq" } },
    },
  ],
  ["the gateway on 443", { "gateway.port": 443 }],
  ["RoCE", { "network.rdma": { kind: "roce", devices: ["mlx5_0"], gidIndex: 3 } }],
  ["no gateway", { gateway: undefined }],
];

describe("refused", () => {
  test.each(REFUSED)("%s", (_name, changes, expected) => {
    const problems = problemsOf(changed(changes));
    expect(briefly(problems)).toEqual(expected);
    for (const { what, why, fix } of problems) expect([what, why, fix].every((text) => text.length > 3)).toBe(true);
  });
});

describe("allowed", () => {
  test.each(ALLOWED)("%s", (_name, changes) => {
    expect(briefly(problemsOf(changed(changes)))).toEqual([]);
  });
});

describe("warned", () => {
  test("active and standby in one failure domain, once for each domain", () => {
    const text = changed({
      "servers.gpu-c.failureDomain": { rack: "r1", pdu: "p" },
      "servers.gpu-d.failureDomain": { rack: "r1" },
    });
    expect(briefly(problemsOf(text))).toEqual(["W_SPEC_FAILURE_DOMAIN servers.gpu-c.failureDomain.rack"]);
  });

  test("active and standby on different GPU kinds", () => {
    const text = changed({ "servers.gpu-c.gpu": "H20-96", "servers.gpu-d.gpu": "H20-96" });
    expect(briefly(problemsOf(text))).toEqual(["W_SPEC_GPU_KINDS groups.b"]);
  });

  test("two servers of one group may share a domain", () => {
    expect(problemsOf(changed({ "servers.gpu-b.failureDomain": { rack: "r1", pdu: "p1" } }))).toEqual([]);
  });
});

describe("the words", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a mistyped member", { "groups.b": ["gpu-c", "gpu-dd"] }, /did you mean `gpu-d`/],
    ["both active", { "failover.standby": "none" }, /refused for now/],
    ["the other owner of an address", { "servers.gpu-b.address": "10.0.0.11" }, /servers\.gpu-a\.address/],
    ["a free network", { "gateway.address": "10.96.0.1" }, /e\.g\. 10\.245\.0\.0\/16/],
    ["where else a gateway may run", { "gateway.on": ["gpu-a", "gpu-b"] }, /e\.g\. to cp-1/],
  ])("%s", (_name, changes, expected) => {
    expect(
      problemsOf(changed(changes))
        .map(({ what, why, fix }) => `${what}: ${why}; ${fix}`)
        .join("\n"),
    ).toMatch(expected);
  });
});
