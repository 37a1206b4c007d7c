import fc from "fast-check";
import { expect, test } from "vitest";
import { architectureOf, modelOf } from "../../src/plan/catalogue.ts";
import { FLAGS } from "../../src/plan/flags/catalogue.ts";
import { planServing } from "../../src/plan/plan-serving.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { planText } from "../../src/report/plan-text.ts";
import { anySpec } from "./any-spec.ts";
import { flagValue } from "./good-spec.ts";

const RUNS = { numRuns: 300 };

function forEveryPlan(check: (plan: ServingPlan) => void): void {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const result = planServing(spec);
      if (result.ok) check(result.plan);
    }),
    RUNS,
  );
}

/** One in some fifteen specs has a plan: of fewer there may by chance be too few that do. */
const MANY = { ...RUNS, numRuns: 4 * RUNS.numRuns };

test("never throws: a plan, or problems that each say what, why, what would work, and where", () => {
  let plans = 0;
  fc.assert(
    fc.property(anySpec, (spec) => {
      const result = planServing(spec);
      if (result.ok) plans += 1;
      else {
        expect(result.problems.length).toBeGreaterThan(0);
        for (const { code, what, why, fix, path } of result.problems) {
          expect(code).toMatch(/^E_PLAN_/);
          for (const text of [what, why, fix]) expect(text).toMatch(/^\S.*\S$/);
          expect([what, why, fix].join(" ")).not.toMatch(/undefined|NaN|Infinity|\[object/);
          expect(path.length).toBeGreaterThan(0);
        }
      }
    }),
    MANY,
  );
  // Otherwise the properties below would say nothing.
  expect(plans).toBeGreaterThan(MANY.numRuns / 30);
});

test("same spec, same plan, whatever the order of the fields in memory", () => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const again = JSON.parse(JSON.stringify(spec)) as typeof spec;
      const shuffled = { ...again, engine: Object.fromEntries(Object.entries(again.engine).reverse()) } as typeof spec;
      const texts = [spec, again, shuffled].map((one) => {
        const result = planServing(one);
        // The spec is part of the plan and keeps its own order.
        return JSON.stringify(result.ok ? { ...result.plan, spec: 0 } : result.problems);
      });
      expect(new Set(texts).size).toBe(1);
    }),
    RUNS,
  );
});

test("the plan does not change the spec, nor share its lists", () => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const before = JSON.stringify(spec);
      const result = planServing(spec);
      if (result.ok) for (const { servers } of Object.values(result.plan.groups)) servers.push("x");
      expect(JSON.stringify(spec)).toBe(before);
    }),
    RUNS,
  );
});

test("every plan fills its GPUs, divides what must divide, and fits", () => {
  forEveryPlan(({ layout, memory, serversPerGroup, gpusPerServer, model, spec }) => {
    const { tensorParallel: tp, pipelineParallel: pp, dataParallel: dp, expertParallel: ep, redundantExperts } = layout;
    expect(tp * pp).toBe(serversPerGroup * gpusPerServer);
    const { attentionHeads, kvHeads, denseIntermediateSize } = architectureOf(modelOf(spec.model.preset));
    expect([tp % dp, tp % ep, attentionHeads % (tp / dp)]).toEqual([0, 0, 0]);
    if (kvHeads === null) {
      expect((256 + redundantExperts) % ep).toBe(0);
      expect((2048 / (tp / ep)) % 128).toBe(0);
    } else {
      expect([dp, ep, denseIntermediateSize % tp]).toEqual([1, 1, 0]);
      expect(Math.min(kvHeads % tp, tp % kvHeads)).toBe(0);
    }
    expect(memory.memFractionStatic).toBeGreaterThan(0);
    expect(memory.memFractionStatic).toBeLessThan(1);
    expect(memory.headroomGiBPerGpu).toBeGreaterThanOrEqual(0);
    const parts = [memory.weightsGiBPerGpu, memory.kvGiBPerGpu, memory.workspaceGiBPerGpu, memory.headroomGiBPerGpu];
    expect(parts.reduce((sum, part) => sum + part)).toBeCloseTo(memory.gpuGiB, 6);
    expect(model.contextLength).toBeLessThanOrEqual(memory.kvTokens / dp);
    expect(model.contextLength).toBeLessThanOrEqual(memory.maxContextTokens);
    expect(Number.isInteger(memory.kvTokens)).toBe(true);
  });
});

test("every command line is one that SGLang takes: known, current, whole flags, each once, with their values", () => {
  forEveryPlan(({ launch, layout, env, spec }) => {
    const { args } = launch.leader;
    expect(launch.worker.args).toEqual(args);
    const ours = args.slice(3, args.length - spec.engine.extraArgs.length);
    const flags = args.slice(3).filter((word) => word.startsWith("--"));
    for (const flag of flags)
      expect([flag, FLAGS[flag] !== undefined && !FLAGS[flag]?.deprecated]).toEqual([flag, true]);
    expect(new Set(flags).size).toBe(flags.length);
    expect(ours.every((word) => word !== "" && !/undefined|NaN|Infinity|e-?\d+$/.test(word))).toBe(true);
    if (flagValue(args, "--moe-a2a-backend") === "deepep") {
      expect(layout.expertParallel).toBe(layout.tensorParallel);
      const batch = Number(flagValue(args, "--cuda-graph-max-bs-decode")) * (spec.engine.speculative ? 4 : 1);
      const limit = Number(env.SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK);
      expect(batch).toBeLessThanOrEqual(limit);
      expect(limit).toBeLessThanOrEqual(1024);
    }
    expect(Number(flagValue(args, "--chunked-prefill-size")) % layout.dataParallel).toBe(0);
  });
});

test("ports keep out of every range that something else hands out", () => {
  forEveryPlan(({ ports }) => {
    expect(new Set(ports.reserved).size).toBe(15);
    for (const port of ports.reserved) expect(port >= 1024 && port < 22000).toBe(true);
  });
});

test("a longer context, fewer bytes of memory or a wider KV type never give more tokens", () => {
  forEveryPlan((plan) => {
    const { spec, layout, memory } = plan;
    const fixed = {
      ...spec,
      engine: { ...spec.engine, layout: layout.name, memFractionStatic: memory.memFractionStatic },
    };
    const narrow = planServing({ ...fixed, engine: { ...fixed.engine, kvCacheDtype: "fp8_e4m3" } });
    const wide = planServing({ ...fixed, engine: { ...fixed.engine, kvCacheDtype: "bfloat16" } });
    if (narrow.ok && wide.ok) expect(narrow.plan.memory.kvTokens).toBeGreaterThanOrEqual(wide.plan.memory.kvTokens);
    const shorter = planServing({ ...fixed, model: { ...fixed.model, contextLength: 1024 } });
    expect(shorter.ok && shorter.plan.memory.kvTokens >= memory.kvTokens).toBe(true);
  });
});

test("the report of every plan keeps to 80 columns and says the same with and without colour", async () => {
  const { colourPaint } = await import("../../src/report/paint.ts");
  forEveryPlan((plan) => {
    const text = planText(plan, plan.warnings);
    expect(text.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
    expect(text).not.toMatch(/undefined|NaN|Infinity/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
    expect(planText(plan, plan.warnings, colourPaint).replace(/\u001b\[\d+m/g, "")).toBe(text);
  });
});
