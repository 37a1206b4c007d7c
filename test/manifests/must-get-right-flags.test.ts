import { describe, expect, test } from "vitest";
import { FLAGS, SGLANG_VERSION } from "../../src/plan/flags/catalogue.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { checkSpec } from "../../src/spec/parse.ts";
import type { Problem } from "../../src/spec/problem.ts";
import { goodSpec, planned, refused, servers } from "../plan/good-spec.ts";
import { argumentOf, enginePods, flagsOf, ofKind, PLANS } from "./rendered.ts";

// What a deployment of DeepSeek on SGLang must get right, with the numbers of the list that they come from: the command
// line (1 to 11 and 22), as the rendered pods carry it. The rest: must-get-right-pods.test.ts and -groups.

const text = (problems: readonly Problem[]) =>
  problems.map(({ what, why, fix }) => `${what}. ${why}. ${fix}`).join("\n");
const withExtra = (...extraArgs: string[]) => text(refused({ "engine.extraArgs": extraArgs }));
const throughput = { "engine.optimizeFor": "throughput", "engine.kvCacheDtype": "fp8_e4m3" };
const number = (words: readonly string[], flag: string) => Number(argumentOf(words, flag));

/** All stacks, and shapes that no stack has. */
const shapes: [string, ServingPlan][] = [
  ...PLANS,
  ["pipeline", planned({ "engine.layout": "tp8-pp2" })],
  ["attention DP without DeepEP", planned({ "engine.layout": "tp16-dp2" })],
  ["experts without DeepEP", planned({ "engine.layout": "tp16-ep16" })],
  ["DeepEP", planned(throughput)],
  ["DeepEP with drafts", planned({ ...throughput, "engine.speculative": true, "model.contextLength": 32768 })],
  ["redundant experts", planned({ ...throughput, "engine.redundantExperts": 32, "model.contextLength": 32768 })],
];
const everyLine = shapes.flatMap(([name, plan]) =>
  enginePods(plan).map(({ group, role, words, env }) => ({ name: `${name}/${group}/${role}`, plan, words, env })),
);

describe("must get right: 1, image by digest and flags of that release", () => {
  const image = (value: string, options = {}) =>
    checkSpec(goodSpec({ "engine.image": value }), options).filter(({ severity }) => severity === "error");

  test("real servers take an image by digest alone", () => {
    expect(image(`lmsysorg/sglang:v0.5.23@sha256:${"0a".repeat(32)}`)).toEqual([]);
    for (const wrong of ["lmsysorg/sglang", "lmsysorg/sglang:latest", "lmsysorg/sglang@sha256:placeholder"])
      expect(
        image(wrong).map(({ path }) => path.join(".")),
        wrong,
      ).toEqual(["engine.image"]);
  });

  test("engine and pre-pull use that digest, and a restart asks no registry", () => {
    const digest = `lmsysorg/sglang:v0.5.23@sha256:${"0a".repeat(32)}`;
    const plan = planned({ "engine.image": digest });
    expect(JSON.stringify(ofKind(plan, "DaemonSet"))).toContain(`"name":"pull","image":"${digest}"`);
    for (const { container } of enginePods(plan)) {
      expect(container.image).toBe(digest);
      expect(container).toMatchObject({ imagePullPolicy: "IfNotPresent" });
    }
  });

  test("what the release does not know is refused with its replacement", () => {
    expect(SGLANG_VERSION).toBe("0.5.23");
    expect(withExtra("--cuda-graph-bs", "8")).toMatch(/was removed.*--cuda-graph-bs-decode/s);
    expect(withExtra("--nsa-decode-backend", "fa3")).toMatch(/was removed.*--dsa-decode-backend/s);
    expect(withExtra("--disable-cuda-graph")).toMatch(/deprecated.*--cuda-graph-backend-/s);
    expect(withExtra("--stream-intervall", "4")).toMatch(/unknown.*--stream-interval\b/s);
  });
});

describe("must get right: 2, flags in full", () => {
  test("every word that looks like a flag is the name of one, none deprecated, none twice", () => {
    for (const { name, words } of everyLine) {
      const flags = flagsOf(words);
      expect(
        flags.filter((flag) => !Object.hasOwn(FLAGS, flag)),
        name,
      ).toEqual([]);
      expect(
        flags.filter((flag) => FLAGS[flag]?.deprecated !== undefined),
        name,
      ).toEqual([]);
      expect(new Set(flags).size, name).toBe(flags.length);
    }
  });

  test.each([["--tp"], ["--pp"], ["--mem-fraction"], ["--context-len"]])("%s is refused", (flag) => {
    expect(withExtra(flag, "1")).toContain("is an abbreviation");
  });
});

describe("must get right: 3, ranks fill the GPUs", () => {
  test("tensor × pipeline ranks = servers × GPUs, in whole servers", () => {
    for (const { name, plan, words } of everyLine) {
      const [tp, pp, nodes] = ["--tp-size", "--pp-size", "--nnodes"].map((flag) => number(words, flag)) as [
        number,
        number,
        number,
      ];
      expect(tp * pp, name).toBe(plan.serversPerGroup * plan.gpusPerServer);
      expect(nodes, name).toBe(plan.serversPerGroup);
      expect((tp * pp) % nodes, name).toBe(0);
    }
    expect(argumentOf(enginePods(planned())[0]?.words ?? [], "--tp-size")).toBe("16");
  });

  test("TP32 of FP8 without expert parallelism, and TP12, are refused", () => {
    const four = servers(4);
    expect(text(refused({ ...four, "engine.layout": "tp32" }))).toMatch(/fp8_block_tp/);
    expect(text(refused({ "engine.layout": "tp12" }))).toMatch(/needs 12 GPUs/);
  });
});

describe("must get right: 4, an all-to-all backend spans all tensor ranks", () => {
  test("wherever there is one, --ep-size is written and equals --tp-size", () => {
    const lines = everyLine.filter(({ words }) => words.includes("--moe-a2a-backend"));
    expect(lines.length).toBeGreaterThanOrEqual(6);
    for (const { name, words } of lines)
      expect(argumentOf(words, "--ep-size"), name).toBe(argumentOf(words, "--tp-size"));
  });
});

describe("must get right: 5, redundant experts divide and are paid for", () => {
  test("(256 + redundant) divides over the expert ranks", () => {
    for (const { name, words } of everyLine) {
      const redundant = Number(argumentOf(words, "--ep-num-redundant-experts") ?? 0);
      expect((256 + redundant) % number(words, "--ep-size"), name).toBe(0);
    }
    expect(text(refused({ "engine.layout": "dp16-ep16", "engine.redundantExperts": 3 }))).toContain("redundant_mod");
  });

  test("their weights come out of the KV pool", () => {
    const without = planned(throughput).memory;
    const { memory } = planned({ ...throughput, "engine.redundantExperts": 32, "model.contextLength": 32768 });
    expect(memory.weightsGiBPerGpu - without.weightsGiBPerGpu).toBeCloseTo(4.8, 1);
    expect(memory.kvTokens).toBeLessThan(without.kvTokens / 1.8);
    expect(text(refused({ ...throughput, "engine.layout": "dp16-ep16", "engine.redundantExperts": 64 }))).toMatch(
      /context_over_pool|weights_fit/,
    );
  });
});

describe("must get right: 6, attention DP as this release spells it", () => {
  test("--attn-dp-size, never the deprecated pair; the chunk is that of a rank times the ranks", () => {
    for (const { name, plan, words } of everyLine) {
      const { dataParallel, tensorParallel } = plan.layout;
      expect(words, name).not.toContain("--enable-dp-attention");
      expect(words, name).not.toContain("--dp-size");
      expect(argumentOf(words, "--attn-dp-size") ?? "1", name).toBe(String(dataParallel));
      expect(tensorParallel % dataParallel, name).toBe(0);
      expect([4096, 8192], name).toContain(number(words, "--chunked-prefill-size") / dataParallel);
      if (argumentOf(words, "--moe-a2a-backend") !== "deepep") continue;
      expect(words, name).toContain("--enable-dp-lm-head");
      expect(argumentOf(words, "--moe-dense-tp-size"), name).toBe("1");
    }
    expect(text(refused({ "engine.layout": "tp16-dp3" }))).toContain("dp_attn_tp_mod");
    expect(withExtra("--enable-dp-attention")).toMatch(/deprecated/);
  });
});

describe("must get right: 7, what SGLang's own sizing gets wrong is written", () => {
  test("memory share, largest decode graph and running requests are on every line", () => {
    for (const { name, plan, words } of everyLine) {
      expect(number(words, "--mem-fraction-static"), name).toBe(plan.memory.memFractionStatic);
      expect(number(words, "--cuda-graph-max-bs-decode"), name).toBeGreaterThan(0);
      const requests = number(words, "--max-running-requests");
      expect(requests, name).toBeGreaterThanOrEqual(plan.layout.dataParallel);
      // A batch that no graph covers would run without one.
      expect(number(words, "--cuda-graph-max-bs-decode") * plan.layout.dataParallel, name).toBeGreaterThanOrEqual(
        requests,
      );
      expect(plan.memory.headroomGiBPerGpu, name).toBeGreaterThan(0);
    }
  });
});

describe("must get right: 8, DeepEP's dispatch buffer holds a decode batch", () => {
  test("batch × draft tokens ≤ the variable ≤ 1024", () => {
    const lines = everyLine.filter(({ words }) => words.includes("--moe-a2a-backend"));
    for (const { name, words, env } of lines) {
      const limit = Number(env.SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK);
      const drafts = Number(argumentOf(words, "--speculative-num-draft-tokens") ?? 1);
      expect(number(words, "--cuda-graph-max-bs-decode") * drafts, name).toBeLessThanOrEqual(limit);
      expect(limit, name).toBeLessThanOrEqual(1024);
    }
    const many = { "engine.layout": "dp16-ep16", "engine.maxRunningRequests": 16 * 1025 };
    expect(text(refused(many))).toContain("deepep_dispatch_limit");
  });
});

describe("must get right: 9, the longest request fits one rank's pool", () => {
  test("--context-length is at most the pool of one attention-DP rank", () => {
    for (const { name, plan, words } of everyLine) {
      const pool = Math.floor(plan.memory.kvTokens / plan.layout.dataParallel);
      expect(number(words, "--context-length"), name).toBeLessThanOrEqual(pool);
    }
    const long = { "engine.layout": "dp16-ep16", "model.contextLength": 163840 };
    expect(text(refused(long))).toMatch(/does not fit the pool of one attention-DP rank.*context_over_pool/s);
  });
});

describe("must get right: 10, quantisation", () => {
  test("an FP8 checkpoint gets no --quantization, and the KV type is always said", () => {
    for (const { name, plan, words } of everyLine) {
      const quantization = argumentOf(words, "--quantization");
      expect(quantization, name).toBe(plan.model.preset.endsWith("-awq") ? "moe_wna16" : undefined);
      expect(["bfloat16", "fp8_e4m3"], name).toContain(argumentOf(words, "--kv-cache-dtype"));
    }
    expect(withExtra("--quantization", "fp8")).toContain("model.preset");
  });
});

describe("must get right: 11, all ranks alike", () => {
  test("the same words and variables on every rank of every group; only the place in the group differs", () => {
    for (const [name, plan] of shapes) {
      const pods = enginePods(plan);
      const [first] = pods;
      for (const { words, env } of pods) {
        expect(words, name).toEqual(first?.words);
        expect(env, name).toEqual(first?.env);
      }
      const references = first?.words.filter((word) => word.includes("$(")) ?? [];
      expect(references, name).toEqual(["$(LWS_WORKER_INDEX)", `$(LWS_LEADER_ADDRESS):${plan.ports.dist}`]);
      expect(argumentOf(first?.words ?? [], "--node-rank"), name).toBe("$(LWS_WORKER_INDEX)");
      expect(argumentOf(first?.words ?? [], "--random-seed"), name).toBe("42");
    }
  });

  test("a dollar sign of the spec stays one: Kubernetes would read it as a variable that ranks have or have not", () => {
    const pods = enginePods(
      planned({ "model.weights": "/models/$(HOSTNAME)", "engine.extraArgs": ["--chat-template", "/a$$b"] }),
    );
    for (const { words, container } of pods) {
      expect(argumentOf(words, "--model-path")).toBe("/models/$$(HOSTNAME)");
      expect(argumentOf(words, "--chat-template")).toBe("/a$$$$b");
      expect(container.volumeMounts.find(({ name }) => name === "weights")?.mountPath).toBe("/models/$(HOSTNAME)");
    }
  });
});

describe("must get right: 22, time-outs and a quick end", () => {
  test("slow starts are waited for, hangs are not, and nothing is dumped on the way out", () => {
    for (const { name, words, env } of everyLine) {
      // Also torch's NCCL time-out: shorter, and one slow disk ends every start. Hangs are found by the agents, in seconds.
      expect(argumentOf(words, "--dist-timeout"), name).toBe("1800");
      const watchdog = number(words, "--watchdog-timeout");
      expect(watchdog, name).toBeGreaterThanOrEqual(120);
      expect(watchdog, name).toBeLessThanOrEqual(300);
      expect(env, name).toMatchObject({
        SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION: "1",
        SGLANG_WARMUP_TIMEOUT: "1800",
        SGLANG_CUDA_COREDUMP_BEFORE_CRASH: "0",
        SGLANG_PYSPY_DUMP_BEFORE_CRASH: "0",
      });
    }
    expect(withExtra("--crash-dump-folder", "/tmp")).toMatch(/65 s/);
  });
});
