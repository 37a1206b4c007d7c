import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { modelOf } from "../../src/plan/catalogue.ts";
import { HALF_WIDTH } from "../../src/plan/performance/range.ts";
import type { SizeAsk } from "../../src/plan/size/ask.ts";
import { serversOf } from "../../src/plan/size/candidates.ts";
import { sizeFor } from "../../src/plan/size/size.ts";
import { sizeText } from "../../src/report/size.ts";
import { sizeData } from "../../src/report/size-data.ts";
import { GPU_KINDS, MODEL_PRESETS } from "../../src/spec/schema.ts";
import { tandem } from "../support/cli.ts";

const ASK: SizeAsk = {
  users: 40,
  inputTokens: 2000,
  outputTokens: 500,
  prefixHitRate: 0,
  ttftSeconds: 2,
  tokensPerSecond: 20,
  survive: "server",
  model: "deepseek-r1-0528",
  gpus: ["H100-80", "H200-141", "H20-96"],
  fabric: { kind: "infiniband", gbPerSecond: 50 },
  speculative: false,
  maxServers: 8,
};

/** Servers of the smallest set, or more than can be had. */
const fewest = (ask: SizeAsk) => sizeFor(ask).sets[0]?.servers ?? ask.maxServers + 1;

const anyAsk: fc.Arbitrary<SizeAsk> = fc.record({
  users: fc.integer({ min: 1, max: 400 }),
  inputTokens: fc.integer({ min: 1, max: 30_000 }),
  outputTokens: fc.integer({ min: 1, max: 4000 }),
  prefixHitRate: fc.double({ min: 0, max: 1, noNaN: true }),
  ttftSeconds: fc.option(fc.double({ min: 0.2, max: 30, noNaN: true }), { nil: undefined }),
  tokensPerSecond: fc.option(fc.double({ min: 1, max: 60, noNaN: true }), { nil: undefined }),
  survive: fc.constantFrom("nothing" as const, "server" as const),
  model: fc.constant(ASK.model),
  gpus: fc.subarray([...GPU_KINDS], { minLength: 1 }),
  fabric: fc.constant(ASK.fabric),
  speculative: fc.boolean(),
  maxServers: fc.constant(8),
});
const runs = { numRuns: 25 };

describe("the question of the front page: 40 users, 2k in, 500 out, 2 s, 20 tokens/s, one server may die", () => {
  const { sets } = sizeFor(ASK);

  test("two 8×H200 as two hot groups are enough", () => {
    expect(sets[0]).toMatchObject({
      gpu: "H200-141",
      servers: 2,
      serversPerGroup: 1,
      standby: "hot",
      calibrated: true,
    });
  });

  test("full weights on 8×H100 need groups of two: four servers hot, three with a spare", () => {
    const h100 = sets.filter(({ gpu, calibrated }) => gpu === "H100-80" && calibrated);
    expect(h100.map(({ standby, servers }) => [standby, servers])).toEqual([
      ["degraded", 2],
      ["spare", 3],
      ["hot", 4],
    ]);
  });

  test("one 8×H100 only ever holds the 4-bit build, and that is said", () => {
    const small = sets.filter(({ gpu, serversPerGroup }) => gpu === "H100-80" && serversPerGroup === 1);
    expect(small.length).toBeGreaterThan(0);
    for (const { model, calibrated } of small) {
      expect({ model, calibrated }).toEqual({ model: "deepseek-r1-0528-w4afp8", calibrated: false });
    }
    expect(small.every(({ fit }) => fit.verdict !== "sure")).toBe(true);
    const text = sizeText(sizeFor(ASK)).replace(/\s+/g, " ");
    expect(text).toContain("MEETS IT WITH 4-BIT WEIGHTS (deepseek-r1-0528-w4afp8)");
    expect(text).toContain("fitted on FP8; published 4-bit runs took up to 1.6 times as long");
  });
});

describe("what must hold for every ask", () => {
  test("what is called sure meets the ask at the bad end, and all users fit into the servers that are named", () => {
    fc.assert(
      fc.property(anyAsk, (ask) => {
        for (const { fit, usersPerGroup, activeGroups, ...set } of sizeFor(ask).sets) {
          const slower = fit.verdict === "sure" ? 1 + HALF_WIDTH : 1;
          expect(fit.estimate.ttftSeconds * slower).toBeLessThanOrEqual(ask.ttftSeconds ?? Number.POSITIVE_INFINITY);
          expect(fit.estimate.tpotSeconds * slower * (ask.tokensPerSecond ?? 0)).toBeLessThanOrEqual(1);
          expect(fit.mostUsers).toBeGreaterThanOrEqual(usersPerGroup);
          expect(usersPerGroup * activeGroups).toBeGreaterThanOrEqual(ask.users);
          expect(set.servers).toBe(serversOf(set.serversPerGroup, activeGroups, set.standby));
          expect(set.servers).toBeLessThanOrEqual(ask.maxServers);
        }
      }),
      runs,
    );
  });

  test("more users, a sooner first token, faster answers or a death to outlive never need fewer servers", () => {
    fc.assert(
      fc.property(
        anyAsk,
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        (ask, more, less) => {
          const { ttftSeconds, tokensPerSecond } = ask;
          const base = fewest(ask);
          expect(fewest({ ...ask, users: ask.users + more })).toBeGreaterThanOrEqual(base);
          if (ttftSeconds !== undefined)
            expect(fewest({ ...ask, ttftSeconds: ttftSeconds * less })).toBeGreaterThanOrEqual(base);
          if (tokensPerSecond !== undefined)
            expect(fewest({ ...ask, tokensPerSecond: tokensPerSecond / less })).toBeGreaterThanOrEqual(base);
          expect(fewest({ ...ask, survive: "server" })).toBeGreaterThanOrEqual(fewest({ ...ask, survive: "nothing" }));
        },
      ),
      runs,
    );
  });

  test("the text fits 80 columns, names the shapes that do not work, and the data has ranges only", () => {
    fc.assert(
      fc.property(anyAsk, (ask) => {
        const answer = sizeFor(ask);
        const text = sizeText(answer);
        expect(text.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
        for (const shape of ["8 + 4", "1.58 bit", "desktop"]) expect(text).toContain(shape);
        const { sets } = sizeData(answer) as { sets: { tokensPerSecondPerUser: { low: number; high: number } }[] };
        for (const { tokensPerSecondPerUser } of sets)
          expect(tokensPerSecondPerUser.low).toBeLessThan(tokensPerSecondPerUser.high);
      }),
      runs,
    );
  });
});

describe("other GPUs and other models", () => {
  test("A100 has no FP8: the 4-bit build that it can compute, and never the others", () => {
    const { sets, nearest } = sizeFor({ ...ASK, gpus: ["A100-80"], tokensPerSecond: 10 });
    expect(sets.length).toBeGreaterThan(0);
    for (const { model } of [...sets, ...nearest]) expect(model).toBe("deepseek-r1-0528-awq");
  });

  test("only FP8 of the full model on a GPU of a published run is ever sure", () => {
    fc.assert(
      fc.property(anyAsk, fc.constantFrom(...GPU_KINDS), fc.constantFrom(...MODEL_PRESETS), (ask, gpu, model) => {
        for (const { fit, ...set } of sizeFor({ ...ask, gpus: [gpu], model }).sets) {
          if (fit.verdict !== "sure") continue;
          expect(["H100-80", "H200-141", "B200-180"]).toContain(set.gpu);
          expect(modelOf(set.model)).toMatchObject({ quantization: "fp8", architecture: "deepseek-v3" });
        }
      }),
      runs,
    );
  });

  test("the distilled models stand apart, each with the fewest GPUs that meet the same ask, and what they are worth", () => {
    const { smallerModels, sets } = sizeFor({ ...ASK, survive: "nothing", tokensPerSecond: 15 });
    expect(sets.every(({ model }) => !model.includes("distill"))).toBe(true);
    expect(smallerModels.map(({ model, gpusPerServer }) => [model.split("-").at(-1), gpusPerServer])).toEqual([
      ["70b", 4],
      ["32b", 2],
      ["14b", 1],
      ["8b", 1],
      ["7b", 1],
      ["1.5b", 1],
    ]);
    for (const { fit, calibrated } of smallerModels) {
      expect({ verdict: fit.verdict, calibrated }).toEqual({ verdict: "likely", calibrated: false });
    }
    const text = sizeText(sizeFor(ASK));
    expect(text).toMatch(/ANOTHER MODEL, for less hardware and with weaker answers/);
    expect(text).toMatch(/distill-llama-70b .* 65\.2 %/);
  });

  test("a distilled model that was asked for by name is sized by the GPU, without the shapes of the full one", () => {
    const answer = sizeFor({ ...ASK, survive: "nothing", model: "deepseek-r1-distill-qwen-7b", gpus: ["H100-80"] });
    expect(answer.sets[0]).toMatchObject({ servers: 1, gpusPerServer: 1 });
    expect(sizeText(answer)).not.toMatch(/SHAPES|ANOTHER MODEL/);
  });

  test("of one GPU kind no spare or degraded set stands beside a hot one that needs no more servers", () => {
    fc.assert(
      fc.property(anyAsk, (ask) => {
        const { sets } = sizeFor({ ...ask, survive: "server" });
        for (const set of sets.filter(({ standby }) => standby !== "hot")) {
          const hot = sets.filter(
            (other) => other.standby === "hot" && other.gpu === set.gpu && other.model === set.model,
          );
          expect(hot.every(({ servers }) => servers > set.servers)).toBe(true);
        }
      }),
      runs,
    );
  });
});

describe("an ask that nothing meets", () => {
  test.each<[string, Partial<SizeAsk>, RegExp]>([
    ["faster than one answer can be", { tokensPerSecond: 500 }, / 0 +tokens\/s/],
    ["more users than KV", { users: 7_000, tokensPerSecond: undefined, ttftSeconds: undefined }, / (KV|batch)$/m],
  ])("%s: it says so and what stands in the way", (_name, changes, wanted) => {
    const answer = sizeFor({ ...ASK, ...changes });
    expect(answer.sets).toEqual([]);
    expect(answer.nearest).not.toEqual([]);
    const text = sizeText(answer);
    expect(text).toContain("NOTHING up to 8 servers meets this");
    expect(text).toMatch(wanted);
  });
});

describe("the command", () => {
  const ask = ["size", "--users", "40", "--input-tokens", "2000", "--output-tokens", "500"];

  test("it prints data whose first set is the smallest", async () => {
    const { exitCode, stdout, stderr } = await tandem([...ask, "--survive", "server", "--output", "json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { sets } = JSON.parse(stdout) as { sets: { servers: number; layout: string }[] };
    expect(sets[0]?.servers).toBe(Math.min(...sets.map(({ servers }) => servers)));
    expect(sets[0]?.layout).toMatch(/^(tp|dp)\d/);
  });

  test.each<[string, string[]]>([
    ["half a user", [...ask, "--users", "0.5"]],
    ["a negative time", [...ask, "--ttft", "-1"]],
    ["a share above 1", [...ask, "--prefix-hit-rate", "1.5"]],
    ["a GPU that it does not know", [...ask, "--gpu", "A100"]],
    ["no users", ask.slice(0, 1)],
  ])("%s is refused", async (_name, args) => {
    const { exitCode, stdout, stderr } = await tandem(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/--(users|ttft|prefix-hit-rate|gpu)/);
  });
});
