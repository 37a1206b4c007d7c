import fc from "fast-check";
import { FLAGS, type Flag } from "../../src/plan/flags/catalogue.ts";
import { OWNED_FLAGS, REFUSED_FLAGS } from "../../src/plan/flags/owned.ts";
import { enumerateLayouts } from "../../src/plan/layouts/enumerate.ts";
import { type PlanResult, planServing } from "../../src/plan/plan-serving.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { checkSpec } from "../../src/spec/parse.ts";
import { type ClusterSpecInput, ClusterSpecSchema, GPU_KINDS, MODEL_PRESETS } from "../../src/spec/schema.ts";

/** Names of layouts for one and two servers of eight GPUs, and some that cannot run. */
const LAYOUTS = [...enumerateLayouts(8, 0), ...enumerateLayouts(16, 0), ...enumerateLayouts(16, 32)]
  .map(({ name }) => name)
  .concat("tp32", "tp12");

/** Values that look right, and values that a careless check would let pass. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  int: ["1", "4", "64", "+8", "-1", "007", " 5", "5 ", "1_000", "1e3", "0x10", "2.0", "", "-5abc", "٣"],
  float: ["0.5", "1", ".5", "-0.25", "-.5", "1e-3", "-1e-3", "inf", "nan", "Infinity", "0x10", " 0.5", "1_0", ""],
  human_readable_int: [
    "4096",
    "8k",
    "8K",
    "2M",
    "1.5k",
    "1.5Ki",
    "4Ki",
    "1G",
    "1Gi",
    "2T",
    "0.5",
    "1.5",
    "k",
    "-1",
    "1 k",
  ],
  loads: ['{"a": 1}', "{}", "null", "[1]", "{a: 1}", ""],
  json_list_type: ['["a"]', "[1, 2]", "a", "a,b", '{"a": 1}', ""],
  str: ["x", "/srv/a file", "a=b", "$(HOME)", "a$$b", "", "-", "-x", "ümlaut", "1,2", "[1]", '{"a": "b"}'],
};

const flagNames = Object.keys(FLAGS).filter((name) => !(name in OWNED_FLAGS) && !(name in REFUSED_FLAGS));

/** Words of one extra flag: mostly as it should be, sometimes with its value after `=`, too many values or none. */
const anyExtraFlag = fc
  .record({
    name: fc.constantFrom(...flagNames),
    alias: fc.boolean(),
    inline: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    count: fc.constantFrom(1, 1, 1, 2, 0),
    seed: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
  })
  .map(({ name, alias, inline, count, seed }) => {
    const flag = FLAGS[name] as Flag;
    const spelling = alias ? (flag.aliases?.[0] ?? name) : name;
    if (flag.nargs === 0) return [spelling];
    const choices = flag.choices ?? VALUES[flag.type] ?? VALUES.str ?? [];
    const values = seed.slice(0, count).map((at) => choices[at % choices.length] ?? "x");
    return inline ? [`${spelling}=${values[0] ?? ""}`] : [spelling, ...values];
  });

/** Any extra flags at all: the plan refuses what is wrong, and argparse must take what is left. */
export const anyExtraArgs = fc.array(anyExtraFlag, { maxLength: 3 }).map((flags) => flags.flat());

/** Extra flags that people add to these recipes and whose relations the plan knows. */
export const usualExtraArgs = fc.constantFrom<string[]>(
  [],
  ["--stream-interval", "4"],
  ["--enable-priority-scheduling", "--default-priority-value", "0", "--schedule-policy", "lof"],
  ["--attention-backend", "flashinfer", "--disable-radix-cache"],
  ["--chat-template", "/models/template.jinja", "--log-level", "warning", "--max-queued-requests", "512"],
);

const address = (last: number) => `10.0.0.${last}`;

/** Specs over the whole space of fields that reach the command line; roughly a third of them can be planned. */
export function randomSpec(extraArgs: fc.Arbitrary<string[]>): fc.Arbitrary<ClusterSpecInput> {
  return fc
    .record({
      perGroup: fc.constantFrom(1, 2, 2, 2),
      groups: fc.constantFrom(1, 2),
      gpu: fc.constantFrom(...GPU_KINDS),
      gpus: fc.constantFrom(8, 8, 8, 8, 8, 8, 8, 4),
      preset: fc.constantFrom(...MODEL_PRESETS),
      weights: fc.constantFrom("/models/deepseek", "/mnt/nvme0/deepseek", "/models/$(HOSTNAME)", "/models/a$$b"),
      servedName: fc.constantFrom(undefined, undefined, "deepseek", "team/deep seek", "-v3"),
      contextLength: fc.constantFrom(undefined, 8192, 8192, 32768, 50_000, 131072, 163840),
      layout: fc.oneof({ weight: 4, arbitrary: fc.constant("auto") }, fc.constantFrom(...LAYOUTS)),
      optimizeFor: fc.constantFrom("latency" as const, "throughput" as const, "context" as const),
      memFractionStatic: fc.constantFrom(undefined, undefined, undefined, 0.8, 0.85, 0.9),
      kvCacheDtype: fc.constantFrom("bfloat16" as const, "fp8_e4m3" as const),
      maxRunningRequests: fc.constantFrom(undefined, undefined, 1, 16, 100, 512, 2048),
      redundantExperts: fc.constantFrom(0, 0, 0, 0, 0, 32, 16),
      speculative: fc.boolean(),
      fabric: fc.constantFrom("none" as const, "infiniband" as const, "roce" as const),
      http: fc.constantFrom(8000, 8000, 1024, 21999),
      dist: fc.constantFrom(20000, 20000, 1100, 21986),
      extraArgs,
    })
    .map((of) => {
      const names = Array.from({ length: of.perGroup * of.groups }, (_, index) => `gpu-${index}`);
      const devices = Array.from({ length: 8 }, (_, index) => `mlx5_${index}`);
      const rdma =
        of.fabric === "none"
          ? { kind: of.fabric }
          : { kind: of.fabric, devices, ...(of.fabric === "roce" ? { gidIndex: 3 } : {}) };
      return {
        name: "random",
        provision: { kind: "ssh", identityFile: "~/.ssh/id", knownHosts: "./known_hosts" },
        servers: Object.fromEntries(
          names.map((name, index) => [name, { address: address(11 + index), gpu: of.gpu, gpus: of.gpus }]),
        ),
        controlPlane: { "cp-1": { address: address(10) } },
        groups: Object.fromEntries(
          ["a", "b"].slice(0, of.groups).map((id, at) => [id, names.slice(at * of.perGroup, (at + 1) * of.perGroup)]),
        ),
        model: defined({
          preset: of.preset,
          weights: of.weights,
          servedName: of.servedName,
          contextLength: of.contextLength,
        }),
        engine: defined({
          image: `lmsysorg/sglang:v0.5.23@sha256:${"0123456789abcdef".repeat(4)}`,
          layout: of.layout,
          optimizeFor: of.optimizeFor,
          memFractionStatic: of.memFractionStatic,
          kvCacheDtype: of.kvCacheDtype,
          maxRunningRequests: of.maxRunningRequests,
          redundantExperts: of.redundantExperts,
          speculative: of.speculative,
          extraArgs: of.extraArgs,
        }),
        network: { interface: "ens10f0", rdma, ports: { http: of.http, dist: of.dist } },
        failover: { standby: of.groups === 2 ? "hot" : "none" },
      };
    });
}

/** Leaves out what is undefined: a spec has no such value, only fields that are not there. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** The plan of a spec that `tandem plan` would accept, or undefined. */
export function planOf(input: ClusterSpecInput): ServingPlan | undefined {
  if (checkSpec(input).some(({ severity }) => severity === "error")) return undefined;
  const planned: PlanResult = planServing(ClusterSpecSchema.parse(input));
  return planned.ok ? planned.plan : undefined;
}
