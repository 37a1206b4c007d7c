import { describe, expect, test } from "vitest";
import { candidateLayouts, enumerateLayouts } from "../../src/plan/layouts/enumerate.ts";
import { fleetOf } from "../../src/plan/layouts/fleet.ts";
import { judgeLayout } from "../../src/plan/layouts/judge.ts";
import { layoutOf, parseLayoutName } from "../../src/plan/layouts/name.ts";
import { LAYOUT_RULES } from "../../src/plan/layouts/rules.ts";
import { usualLayouts } from "../../src/plan/layouts/usual.ts";
import type { Layout } from "../../src/plan/serving-plan.ts";
import { planned, refused, servers, specOf } from "./good-spec.ts";

const shape = (name: string): Layout => {
  const layout = parseLayoutName(name);
  if (layout === undefined) throw new Error(`${name} is no layout`);
  return layout;
};

describe("names", () => {
  test.each([
    ["tp16", { tensorParallel: 16 }],
    ["tp8-pp2", { tensorParallel: 8, pipelineParallel: 2 }],
    ["tp16-dp2", { tensorParallel: 16, dataParallel: 2 }],
    ["dp16-ep16", { tensorParallel: 16, dataParallel: 16, expertParallel: 16 }],
    ["dp16-ep16-r32", { tensorParallel: 16, dataParallel: 16, expertParallel: 16, redundantExperts: 32 }],
  ])("%s", (name, sizes) => {
    const whole = { pipelineParallel: 1, dataParallel: 1, expertParallel: 1, redundantExperts: 0, ...sizes };
    expect(parseLayoutName(name)).toEqual({ name, ...whole });
  });

  test.each([
    ["EP16-DP16", "dp16-ep16"],
    ["tp16-dp16-ep16", "dp16-ep16"],
    ["pp2-tp8", "tp8-pp2"],
    ["tp16-ep1-pp1-dp1", "tp16"],
  ])("%s is read as %s", (text, name) => {
    expect(parseLayoutName(text)?.name).toBe(name);
  });

  test.each(["", "auto", "tp", "tp0", "tp16-tp8", "pp2", "tp16 dp2", "tp16-x2", "tp99999", "-tp16"])(
    "%j is no layout",
    (text) => {
      expect(parseLayoutName(text)).toBeUndefined();
    },
  );

  test("every enumerated layout is found again by its name", () => {
    for (const layout of enumerateLayouts(16, 48)) expect(parseLayoutName(layout.name)).toEqual(layout);
  });
});

describe("enumeration", () => {
  test("every factorisation of 8 GPUs, each once", () => {
    const layouts = enumerateLayouts(8, 0);
    const expected = new Set<string>();
    for (const tensorParallel of [1, 2, 4, 8])
      for (const dataParallel of [1, 2, 4, 8])
        for (const expertParallel of [1, 2, 4, 8])
          for (const redundantExperts of [0, 32, 256]) {
            if (tensorParallel % dataParallel !== 0 || tensorParallel % expertParallel !== 0) continue;
            if (expertParallel === 1 && redundantExperts > 0) continue;
            const pipelineParallel = 8 / tensorParallel;
            const sizes = { tensorParallel, pipelineParallel, dataParallel, expertParallel, redundantExperts };
            expected.add(layoutOf(sizes).name);
          }
    expect(layouts.map(({ name }) => name).toSorted()).toEqual([...expected].toSorted());
  });

  test("a group of two servers is also asked whether one would do", () => {
    const names = candidateLayouts({ servers: 2, gpusPerServer: 8 }, 0).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["tp16", "tp8-pp2", "tp16-dp2", "dp16-ep16", "tp8", "dp8-ep8"]));
    expect(new Set(names).size).toBe(names.length);
  });

  test("the usual ones are those that people name", () => {
    const usual = usualLayouts(candidateLayouts({ servers: 2, gpusPerServer: 8 }, 0), 2, 0).map(({ name }) => name);
    expect(usual).toEqual(expect.arrayContaining(["tp16", "tp8-pp2", "tp16-dp2", "dp16-ep16"]));
    expect(usual).not.toContain("tp16-dp4-ep2");
    expect(usual).not.toContain("tp4-pp4");
  });
});

const AWQ = "deepseek-r1-0528-awq";

function distilled(gpus: number): Record<string, unknown> {
  return { ...servers(1), "servers.gpu-a.gpus": gpus, "model.preset": "deepseek-r1-distill-qwen-7b" };
}

describe("the choice", () => {
  test.each([
    ["latency", {}, "tp16"],
    ["throughput", {}, "dp16-ep16"],
    ["context", {}, "tp8-pp2"],
    ["latency, one 8×H200", { ...servers(1), "servers.gpu-a.gpu": "H200-141" }, "tp8"],
    ["throughput, one 8×H200", { ...servers(1), "servers.gpu-a.gpu": "H200-141" }, "dp8-ep8"],
    ["latency, one 8×H100 with 4 bits", { ...servers(1), "model.preset": "deepseek-r1-0528-awq" }, "tp8"],
    // dp16-ep16 holds no request of this length, and no published run shows tp16-dp2-ep16.
    ["throughput, a long context", { "model.contextLength": 150_000 }, "tp16"],
    ["throughput, redundant experts", { "engine.redundantExperts": 32, "model.contextLength": 32768 }, "dp16-ep16-r32"],
    // The shape of the published runs on four servers; tp32 does not divide, and nobody has shown tp16-pp2.
    ["latency, four servers", servers(4), "dp32-ep32"],
    ["latency, a distilled model", { ...servers(1), "model.preset": "deepseek-r1-distill-llama-70b" }, "tp8"],
    ["latency, seven billion on four GPUs", distilled(4), "tp4"],
    [
      "throughput, one 8×A100 with 4 bits",
      { ...servers(1), "servers.gpu-a.gpu": "A100-80", "model.preset": AWQ },
      "dp8-ep8",
    ],
  ])("%s", (aim, changes, expected) => {
    const optimizeFor = aim.split(",")[0];
    const { layout, why } = planned({ "engine.optimizeFor": optimizeFor, ...changes });
    expect(layout.name).toBe(expected);
    expect(why.startsWith(`optimizeFor ${optimizeFor}: `)).toBe(true);
  });

  test("the model decides where it can tell layouts apart, the better travelled one where it cannot", () => {
    const lone = (changes: Record<string, unknown>) => planned({ ...changes, "engine.optimizeFor": "latency" });
    // Attention DP may be a little faster for one answer on paper; that is less than the model's own error.
    expect(lone({}).layout.name).toBe("tp16");
    // Over TCP each layer of tensor parallelism waits for two exchanges, one of them less is worth it: no DeepEP there.
    expect(lone({ "network.rdma": { kind: "none" } }).why).toMatch(/^optimizeFor latency: a lone answer gets \d/);
    expect(planned({ "engine.optimizeFor": "throughput" }).why).toMatch(/tokens\/s with 1,024 requests at once/);
  });

  test("context: no other usual layout that runs has a larger pool for one request", () => {
    const plan = planned({ "engine.optimizeFor": "context" });
    const pool = ({ layout, kvTokens }: { layout: Layout; kvTokens: number }) => kvTokens / layout.dataParallel;
    const usual = usualLayouts(
      plan.alternatives.map(({ layout }) => layout),
      plan.serversPerGroup,
      0,
    ).map(({ name }) => name);
    const others = plan.alternatives.filter(({ layout }) => usual.includes(layout.name));
    expect(others.length).toBeGreaterThan(2);
    expect(Math.max(...others.map(pool))).toBeLessThanOrEqual(pool({ layout: plan.layout, ...plan.memory }));
  });

  test("every candidate is chosen, an alternative, or rejected with reasons", () => {
    for (const changes of [{}, { "engine.redundantExperts": 32, "model.contextLength": 32768 }, servers(4)]) {
      const plan = planned(changes);
      const all = candidateLayouts(
        { servers: plan.serversPerGroup, gpusPerServer: plan.gpusPerServer },
        plan.spec.engine.redundantExperts,
      ).map(({ name }) => name);
      const told = [
        plan.layout,
        ...plan.alternatives.map(({ layout }) => layout),
        ...plan.rejected.map(({ layout }) => layout),
      ];
      expect(told.map(({ name }) => name).toSorted()).toEqual(all.toSorted());
      for (const { reasons } of plan.rejected) expect(reasons.length).toBeGreaterThan(0);
    }
  });

  test("rejections come nearest to running first", () => {
    const counts = planned().rejected.map(({ reasons }) => reasons.length);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  test("a layout by name is taken as it is, with redundant experts from either place", () => {
    expect(planned({ "engine.layout": "tp8-pp2" })).toMatchObject({ layout: { name: "tp8-pp2" }, why: /layout/ });
    const short = { "model.contextLength": 32768 };
    expect(planned({ ...short, "engine.layout": "dp16-ep16-r32" }).layout.name).toBe("dp16-ep16-r32");
    expect(planned({ ...short, "engine.layout": "dp16-ep16", "engine.redundantExperts": 32 }).layout.name).toBe(
      "dp16-ep16-r32",
    );
    expect(refused({ ...short, "engine.layout": "dp16-ep16-r32", "engine.redundantExperts": 16 })).toMatchObject([
      { code: "E_PLAN_LAYOUT", why: expect.stringMatching(/32 redundant.*16/) },
    ]);
  });
});

function ofGpu(kind: string): Record<string, unknown> {
  return Object.fromEntries(["a", "b", "c", "d"].map((id) => [`servers.gpu-${id}.gpu`, kind]));
}

// Each rule once: the layout and spec that break it, and what the reason must hold: its numbers and what would work.
const BROKEN: Record<string, [string, Record<string, unknown>, RegExp]> = {
  gpus_filled: ["tp8", {}, /needs 8 GPUs.*16 \(2 × 8\).*tp × pp = 16/],
  pp_nodes: ["tp4-pp3", {}, /3 pipeline stages.*2 servers; use/],
  dp_attn_tp_mod: ["tp16-dp3", {}, /3 does not divide tp 16; use a divisor of 16/],
  ep_divides_tp: ["tp16-ep32", {}, /32 does not divide tp 16; use a divisor of 16/],
  heads_divisible: ["tp12", {}, /128 attention heads.*12 ranks; use .*8 or 16/],
  fp8_block_tp: ["tp32", servers(4), /2048 over 32 ranks gives 64.*128; use moe-TP .* at most 16/],
  fp8_dense_tp: ["tp32", servers(4), /18432 over 32 ranks give 576.*128; use tp 16/],
  shared_expert_tp: ["tp32-ep32", servers(4), /2048 over 32 ranks gives 64.*128; use tp 16 or less/],
  redundant_mod: ["dp16-ep16-r5", {}, /256 \+ 5 = 261 experts.*ep 16; use 0 or 16/],
  redundant_needs_ep: ["tp16", { "engine.redundantExperts": 32 }, /32 redundant experts need expert parallelism; use/],
  gpu_arithmetic: ["tp16", ofGpu("A100-80"), /A100-80 has no FP8.*; use deepseek-r1-0528-awq/],
  dense_splits: [
    "tp16-dp2",
    { "model.preset": "deepseek-r1-distill-llama-70b" },
    /dense: .*; use tensor parallelism alone/,
  ],
  spec_needs_mtp: [
    "tp16",
    { "model.preset": "deepseek-r1-0528-awq", "engine.speculative": true },
    /deepseek-r1-0528-awq has no NextN layer; use engine.speculative false/,
  ],
  pp_spec: ["tp8-pp2", { "engine.speculative": true }, /2 pipeline stages.*; use .*speculative false/],
  deepep_dispatch_limit: [
    "dp16-ep16",
    { "engine.maxRunningRequests": 16 * 1025 },
    /1025 requests × 1 tokens.*1,024; use engine.maxRunningRequests of at most 16,384/,
  ],
  max_running_dp: ["dp16-ep16", { "engine.maxRunningRequests": 15 }, /15 is less than the 16.*; use 16 or more/],
  weights_fit: ["tp8", servers(1), /79\.5 GiB per GPU.*H100-80.*; use .*4-bit/],
  context_over_pool: [
    "dp16-ep16",
    { "model.contextLength": 163840 },
    /163,840.*135,383; use model.contextLength 135,383/,
  ],
  workspace_fits: ["tp16", { "engine.memFractionStatic": 0.97 }, /0\.97 leaves .* for .* GiB.*; use a smaller/],
};

describe("rules", () => {
  test("each has a row here, a meaning and a source", () => {
    expect(Object.keys(BROKEN).toSorted()).toEqual(LAYOUT_RULES.map(({ id }) => id).toSorted());
    for (const { means, where } of LAYOUT_RULES) expect(means.length > 20 && where.length > 10).toBe(true);
  });

  test.each(Object.entries(BROKEN))("%s", (id, [name, changes, sentence]) => {
    const spec = specOf(changes);
    const { reasons } = judgeLayout(spec, fleetOf(spec), shape(name));
    const reason = reasons.find((text) => text.endsWith(` [${id}]`));
    expect(reason, reasons.join("\n")).toMatch(sentence);
  });

  test("none is broken by the layouts that SGLang documents", () => {
    for (const name of ["tp16", "tp16-ep16", "dp16-ep16", "tp16-dp2", "tp8-pp2"]) {
      const spec = specOf();
      expect(judgeLayout(spec, fleetOf(spec), shape(name)).reasons, name).toEqual([]);
    }
  });
});
