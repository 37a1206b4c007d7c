import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { architectureOf, modelOf } from "../../src/plan/catalogue.ts";
import { parseLayoutName } from "../../src/plan/layouts/name.ts";
import { CONSTANT_NAMES, FITTED, SPEEDS } from "../../src/plan/performance/constants.ts";
import { estimate, type Load, prefillTokensPerSecond } from "../../src/plan/performance/estimate.ts";
import { POINTS, predict, SOURCES, USED_POINTS } from "../../src/plan/performance/points.ts";
import { HALF_WIDTH } from "../../src/plan/performance/range.ts";
import type { EngineShape } from "../../src/plan/performance/shape.ts";
import { median } from "../bench/bench.ts";
import { fitConstants, leaveOneSourceOut } from "./performance-fit.ts";

const model = modelOf("deepseek-r1-0528");
const LAYOUTS = ["tp16", "tp8-pp2", "tp16-dp2", "tp16-ep16", "dp16-ep16", "tp8"];

function shape(layoutName = "tp16", changes: Partial<EngineShape> = {}): EngineShape {
  const layout = parseLayoutName(layoutName);
  if (layout === undefined) throw new Error(layoutName);
  return {
    speeds: SPEEDS["H100-80"],
    constants: FITTED,
    architecture: architectureOf(model),
    model,
    layout,
    gpusPerServer: 8,
    fabric: { kind: "infiniband", gbPerSecond: 50 },
    kvCacheDtype: "bfloat16",
    draftTokens: 1,
    deepep: layoutName === "dp16-ep16",
    overlap: false,
    chunkPerRankTokens: 8192,
    kvTokens: 402_000,
    ...changes,
  };
}

const anyLoad: fc.Arbitrary<Load> = fc.record({
  concurrency: fc.integer({ min: 1, max: 1024 }),
  inputTokens: fc.integer({ min: 1, max: 100_000 }),
  outputTokens: fc.integer({ min: 1, max: 8000 }),
  prefixHitRate: fc.double({ min: 0, max: 1, noNaN: true }),
});
const anyLayout = fc.constantFrom(...LAYOUTS);
const factor = fc.double({ min: 1, max: 4, noNaN: true });
/** Sums of many terms; nothing smaller than this is a difference. */
const SLACK = 1 + 1e-9;

describe("sources that the fit has not seen", () => {
  const left = leaveOneSourceOut();
  const errors = left.map(({ error }) => Math.abs(error));

  test("every used point is left out once", () => {
    expect(left.map(({ point }) => point)).toHaveLength(USED_POINTS.length);
  });

  test("the worst error is at most 40 %, the median at most 20 %", () => {
    expect(Math.max(...errors)).toBeLessThanOrEqual(0.4);
    expect(median(errors)).toBeLessThanOrEqual(0.2);
  });

  test("ranges of at most 35 % to either side hold at least four in five", () => {
    expect(HALF_WIDTH).toBeLessThanOrEqual(0.35);
    const inside = left.filter(({ point, predicted }) => Math.abs(point.measured / predicted - 1) <= HALF_WIDTH).length;
    expect(inside / left.length).toBeGreaterThanOrEqual(0.8);
  });

  test("there are at most half as many constants as points", () => {
    expect(CONSTANT_NAMES.length).toBeLessThanOrEqual(USED_POINTS.length / 2);
  });
});

describe("the data", () => {
  test("the constants are those of the fit on all used points", () => {
    const fitted = fitConstants(USED_POINTS);
    for (const name of CONSTANT_NAMES) {
      const stale = "stale: run `tandem-dev test/plan/performance-fit.ts --write`";
      expect(FITTED[name], `${name} ${stale}`).toBe(Number(fitted[name].toPrecision(3)));
    }
  });

  test("every point has a source with address and date, and a figure that the model gives", () => {
    for (const point of POINTS) {
      expect(SOURCES[point.source]).toMatchObject({ url: /^https:/, date: /^20\d\d-\d\d/ });
      expect(predict(point, FITTED)).toBeGreaterThan(0);
    }
  });
});

describe("monotone where physics is", () => {
  const never = (slower: EngineShape, faster: EngineShape, load: Load) => {
    const [a, b] = [estimate(slower, load), estimate(faster, load)];
    expect(b.tpotSeconds).toBeLessThanOrEqual(a.tpotSeconds * SLACK);
    expect(b.outputTokensPerSecond * SLACK).toBeGreaterThanOrEqual(a.outputTokensPerSecond);
    // With others about, a faster engine brings them back sooner, and a prompt meets more prompts: a true effect of closed loops.
    const alone = { ...load, concurrency: 1 };
    expect(estimate(faster, alone).ttftSeconds).toBeLessThanOrEqual(estimate(slower, alone).ttftSeconds * SLACK);
  };

  test.each(["hbmGBPerSecond", "fp8Tflops", "insideGBPerSecond"] as const)("more %s is never slower", (field) => {
    fc.assert(
      fc.property(anyLayout, anyLoad, factor, (layout, load, times) => {
        const slow = shape(layout);
        never(slow, shape(layout, { speeds: { ...slow.speeds, [field]: (slow.speeds[field] ?? 0) * times } }), load);
      }),
    );
  });

  test("a faster network is never slower", () => {
    fc.assert(
      fc.property(anyLayout, anyLoad, factor, (layout, load, times) => {
        never(shape(layout), shape(layout, { fabric: { kind: "infiniband", gbPerSecond: 50 * times } }), load);
        never(shape(layout, { fabric: { kind: "roce", gbPerSecond: 50 } }), shape(layout), load);
      }),
    );
  });

  test("more users never make an answer faster at any load", () => {
    fc.assert(
      fc.property(anyLayout, anyLoad, fc.integer({ min: 0, max: 500 }), (layout, load, more) => {
        const few = estimate(shape(layout), load);
        const many = estimate(shape(layout), { ...load, concurrency: load.concurrency + more });
        expect(many.tpotSeconds * SLACK).toBeGreaterThanOrEqual(few.tpotSeconds);
      }),
    );
  });

  test("a longer input never comes sooner, a better prefix cache never later", () => {
    fc.assert(
      fc.property(anyLayout, anyLoad, fc.integer({ min: 0, max: 50_000 }), (layout, load, more) => {
        const alone = { ...load, concurrency: 1 };
        const longer = estimate(shape(layout), { ...alone, inputTokens: load.inputTokens + more });
        expect(longer.ttftSeconds * SLACK).toBeGreaterThanOrEqual(estimate(shape(layout), alone).ttftSeconds);
        const cold = estimate(shape(layout), { ...load, prefixHitRate: 0 });
        const warm = estimate(shape(layout), load);
        expect(warm.tpotSeconds).toBeLessThanOrEqual(cold.tpotSeconds * SLACK);
        expect(warm.outputTokensPerSecond * SLACK).toBeGreaterThanOrEqual(cold.outputTokensPerSecond);
      }),
    );
  });

  test("a longer context never lets more requests run, nor leaves more KV beside those that do", () => {
    fc.assert(
      fc.property(anyLayout, anyLoad, fc.integer({ min: 0, max: 50_000 }), (layout, load, more) => {
        const longer = { ...load, inputTokens: load.inputTokens + more };
        const [a, b] = [load, longer].map((one) => estimate(shape(layout), one).running);
        expect(b).toBeLessThanOrEqual((a ?? 0) * SLACK);
        const held = ({ inputTokens, outputTokens }: Load, running = 0) => running * (inputTokens + outputTokens);
        // What runs never holds more than there is, unless a lone request does.
        if ((b ?? 0) > 1) expect(held(longer, b)).toBeLessThanOrEqual(shape(layout).kvTokens * SLACK);
        if (more > 0 && a === load.concurrency && b === a) expect(held(longer, b)).toBeGreaterThan(held(load, a));
      }),
    );
  });

  test("a longer answer never raises requests a second, and waits for KV never shorten", () => {
    fc.assert(
      fc.property(anyLayout, anyLoad, factor, (layout, load, times) => {
        const more = { ...load, outputTokens: Math.ceil(load.outputTokens * times) };
        const [short, long] = [estimate(shape(layout), load), estimate(shape(layout), more)];
        expect(long.requestsPerSecond).toBeLessThanOrEqual(short.requestsPerSecond * SLACK);
        const [small, large] = [shape(layout, { kvTokens: 100_000 }), shape(layout, { kvTokens: 100_000 * times })];
        expect(estimate(large, load).running * SLACK).toBeGreaterThanOrEqual(estimate(small, load).running);
      }),
    );
  });

  test("all figures are finite and positive", () => {
    fc.assert(
      fc.property(anyLayout, anyLoad, fc.constantFrom(1, 4), (layout, load, draftTokens) => {
        for (const value of Object.values(estimate(shape(layout, { draftTokens }), load))) {
          expect(Number.isFinite(value)).toBe(true);
          expect(value).toBeGreaterThan(0);
        }
        expect(prefillTokensPerSecond(shape(layout), load.inputTokens)).toBeGreaterThan(0);
      }),
    );
  });
});

describe("what MTP and pipelines do", () => {
  const one: Load = { concurrency: 1, inputTokens: 2000, outputTokens: 500, prefixHitRate: 0 };

  test("MTP makes a lone answer 1.5 to 2.5 times faster (SGLang's documentation measured 1.8 on H200)", () => {
    const h200 = (draftTokens: number) => estimate(shape("tp8", { speeds: SPEEDS["H200-141"], draftTokens }), one);
    const gain = h200(1).tpotSeconds / h200(4).tpotSeconds;
    expect(gain).toBeGreaterThan(1.5);
    expect(gain).toBeLessThan(2.5);
  });

  test("without RDMA one TP16 answer over two servers is several times slower", () => {
    const tcp = estimate(shape("tp16", { fabric: { kind: "none", gbPerSecond: 12.5 } }), one);
    expect(tcp.tpotSeconds / estimate(shape("tp16"), one).tpotSeconds).toBeGreaterThan(3);
  });
});
