import fc from "fast-check";
import { type ClusterSpec, ClusterSpecSchema, GPU_KINDS, MODEL_PRESETS } from "../../src/spec/schema.ts";

/** Mostly left out: each of these alone makes most specs impossible, and the others must be tried as well. */
const seldom = <T>(values: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: values });

const anyLayout = fc.oneof(
  { weight: 3, arbitrary: fc.constant("auto") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("tp16", "tp8-pp2", "tp16-dp2", "dp16-ep16", "dp16-ep16-r32", "tp8", "dp8-ep8", "tp32"),
  },
  // Whatever a person may type that still reads as a layout.
  fc
    .record({ tp: size(), pp: size(), dp: size(), ep: size(), r: fc.nat(300) })
    .map(({ tp, pp, dp, ep, r }) => `tp${tp}-pp${pp}-dp${dp}-ep${ep}${r > 150 ? `-r${r}` : ""}`),
);

function size() {
  return fc.constantFrom(1, 1, 1, 2, 3, 4, 8, 12, 16, 32);
}

function port() {
  return fc.integer({ min: 1, max: 65535 });
}

const anyEngine = fc.record(
  {
    image: fc.constant(`lmsysorg/sglang:v0.5.23@sha256:${"0123456789abcdef".repeat(4)}`),
    layout: anyLayout,
    optimizeFor: fc.constantFrom("latency" as const, "throughput" as const, "context" as const),
    memFractionStatic: fc.oneof(fc.constantFrom(0.8, 0.85, 0.9), fc.double({ min: 0.05, max: 0.99, noNaN: true })),
    kvCacheDtype: fc.constantFrom("bfloat16" as const, "fp8_e4m3" as const),
    maxRunningRequests: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 100_000 })),
    redundantExperts: fc.constantFrom(0, 0, 0, 0, 16, 32, 3, 255),
    speculative: fc.boolean(),
    extraArgs: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom([], ["--log-level", "info"], ["--page-size", "64"]) },
      {
        weight: 1,
        arbitrary: fc.array(fc.constantFrom("--tp", "--log-level", "info", "-1", "", "--x=y"), { maxLength: 2 }),
      },
    ),
  },
  { requiredKeys: ["image"] },
);

/** Specs that are right field by field, over the whole space: one to four servers a group, unlike servers, odd sizes. */
export const anySpec: fc.Arbitrary<ClusterSpec> = fc
  .record({
    groups: fc.constantFrom(1, 2),
    perGroup: fc.constantFrom(1, 2, 2, 2, 3, 4),
    gpu: fc.constantFrom(...GPU_KINDS),
    gpus: fc.constantFrom(8, 8, 8, 8, 8, 8, 8, 8, 4, 6, 1),
    odd: seldom(fc.record({ gpu: fc.constantFrom(...GPU_KINDS), gpus: fc.integer({ min: 1, max: 8 }) })),
    rdma: fc.constantFrom(
      { kind: "none" as const },
      { kind: "infiniband" as const, devices: ["mlx5_0", "mlx5_1"] },
      { kind: "roce" as const, devices: ["mlx5_0"], gidIndex: 3 },
    ),
    preset: fc.constantFrom(...MODEL_PRESETS),
    contextLength: fc.oneof(fc.constantFrom(undefined, 8192, 32768), fc.integer({ min: 1024, max: 200_000 })),
    ports: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(undefined, { http: 1024, dist: 21986 }, { http: 21999, dist: 1100 }) },
      { weight: 1, arbitrary: fc.record({ http: port(), dist: port() }) },
    ),
    engine: anyEngine,
  })
  .map(({ groups, perGroup, gpu, gpus, odd, rdma, preset, contextLength, ports, engine }) => {
    const names = Array.from({ length: groups * perGroup }, (_, at) => `gpu-${at}`);
    const servers = names.map((name, at) => [
      name,
      { address: `10.0.0.${at + 11}`, gpu, gpus, ...(odd !== undefined && at === 1 ? odd : {}) },
    ]);
    return ClusterSpecSchema.parse({
      name: "any",
      provision: { kind: "ssh", identityFile: "~/.ssh/id", knownHosts: "./known_hosts" },
      servers: Object.fromEntries(servers),
      controlPlane: { "cp-1": { address: "10.0.0.10" } },
      groups: Object.fromEntries(
        ["a", "b"].slice(0, groups).map((id, at) => [id, names.slice(at * perGroup, (at + 1) * perGroup)]),
      ),
      model: { preset, weights: "/models/m", ...(contextLength === undefined ? {} : { contextLength }) },
      engine,
      network: { interface: "eth0", rdma, ...(ports === undefined ? {} : { ports }) },
      failover: { standby: groups === 2 ? "hot" : "none" },
    });
  });
