import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FLAGS, REMOVED_FLAGS, SGLANG_VERSION } from "../../src/plan/flags/catalogue.ts";
import { planServing } from "../../src/plan/plan-serving.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import { anySpec } from "../plan/any-spec.ts";
import { STACKS, stackPlan } from "../support/stacks.ts";
import { fetchSglang, type SglangFiles } from "./fetch-sglang.ts";
import { launchCases } from "./launch-case.ts";
import { pickPairwise } from "./pairwise.ts";
import { planFactors } from "./plan-factors.ts";
import { findPython } from "./python.ts";
import { anyExtraArgs, planOf, randomSpec, usualExtraArgs } from "./random-spec.ts";
import { type Case, SglangParser, type Verdict } from "./sglang-parser.ts";

/** The same specs on every machine and day; another seed looks elsewhere. */
const seed = Number(process.env.TANDEM_SEED ?? 20261124);
const python = await findPython();
const obstacle = "obstacle" in python ? ` (skipped: ${python.obstacle})` : "";
if ("obstacle" in python) console.warn(`conformity tests skipped: ${python.obstacle}`);

/** What SGLang says about lines that are as they should be: it reports a choice that the plan made knowingly. */
const EXPECTED_WARNINGS = [
  /^DP attention is enabled\. chunked prefill size is adjusted from \d+ to \d+\.$/,
  /^EPLB is enabled\. The expert_distribution_recorder_mode is automatically set\.$/,
  /^Pipeline parallelism is incompatible with overlap schedule\.$/,
  // DeepSeek-V3.2 brings its own attention, Blackwell its own kernels for experts.
  /^Setting page size to 64 for DeepSeek DSA\.$/,
  /^Set dense attention kv len threshold to model index_topk=2048 for DeepSeek with DSA\.$/,
  /^Set DSA backends for (bfloat16|fp8_e4m3) KV Cache: prefill=\w+, decode=\w+\.$/,
  /^DSA with TP mode is active, .* attention weights will be sharded across \d+ ranks\.$/,
  /^TensorRT-LLM M[HL]A only supports page_size of [^,]+(, \d+)*( or \d+)?, changing page_size from None to 64\.$/,
  /^Disabling prefill CUDA graph \(breakable\) by default for the DeepSeek-V3 arch on the trtllm_mla attention backend/,
  /^FlashInfer TRTLLM MoE is enabled\. --disable-shared-experts-fusion is automatically set\.$/,
];

/** Lines that SGLang did not take as they are, with the line, so that the failure can be repeated by hand. */
function objections(verdicts: readonly Verdict[], cases: readonly Case[]): string[] {
  return verdicts.flatMap(({ error, unknown, deprecated, warnings }, index) => {
    const strange = warnings.filter((line) => !EXPECTED_WARNINGS.some((expected) => expected.test(line)));
    const found = [error ?? [], unknown.map((flag) => `abbreviated ${flag}`), deprecated, strange].flat();
    return found.map((text) => `${text}\n  ${JSON.stringify(cases[index]?.argv)}`);
  });
}

describe.skipIf("obstacle" in python)(`SGLang ${SGLANG_VERSION} takes what the plan writes${obstacle}`, () => {
  let files: SglangFiles;
  let parser: SglangParser;

  beforeAll(async () => {
    if ("obstacle" in python) return;
    files = await fetchSglang(python);
    parser = await SglangParser.start(python.executable, files);
  });
  afterAll(() => parser?.stop());

  const judge = async (cases: readonly Case[]) => objections(await parser.judge(cases), cases);

  test("the release that was fetched is the one that the plan is made for", () => {
    const version = readFileSync(join(files.sglang, "sglang", "_version.py"), "utf8");
    expect(version).toContain(`'${SGLANG_VERSION}'`);
  });

  test("the table of flags says what the parser knows: spellings, values, counts, defaults, deprecation", () => {
    const known = parser.flags.map(({ spellings, choices, nargs, type, required, deprecated, ...flag }) => {
      const name = spellings.find((spelling) => spelling in FLAGS) ?? `not in the table: ${spellings.join(" ")}`;
      // Switches have no type in argparse; a retired valued flag may have become one.
      const kind = nargs === 0 ? FLAGS[name]?.type : (type ?? "str");
      return [
        name,
        { spellings: [...spellings].sort(), choices, nargs, type: kind, required, deprecated, default: flag.default },
      ];
    });
    const table = Object.entries(FLAGS).map(([name, flag]) => [
      name,
      {
        spellings: [name, ...(flag.aliases ?? [])].sort(),
        choices: flag.choices ?? null,
        nargs: flag.nargs ?? null,
        type: flag.type,
        required: flag.required ?? false,
        deprecated: flag.deprecated !== undefined,
        default: flag.default ?? null,
      },
    ]);
    expect(Object.fromEntries(known)).toEqual(Object.fromEntries(table));
  });

  test("what the table calls removed is refused, and every replacement exists", async () => {
    const spellings = Object.keys(REMOVED_FLAGS);
    const cases = spellings.map((flag) => ({ id: flag, argv: ["--model-path", "/m", flag] }));
    const taken = (await parser.judge(cases)).filter(({ error, unknown }) => error === null && unknown.length === 0);
    expect(taken.map(({ id }) => id)).toEqual([]);
    const replacements = Object.values(REMOVED_FLAGS).flatMap((text) => text?.match(/--[a-z0-9-]+/g) ?? []);
    expect(replacements.filter((flag) => !(flag in FLAGS))).toEqual([]);
  });

  describe("arguments alone", () => {
    test("thousands of random specs with any extra flags that the plan lets pass", async () => {
      const cases = new Map<string, Case>();
      const odd = fc.sample(anySpec, { numRuns: 2000, seed }).map(planServing);
      for (const plan of [...plansOf(anyExtraArgs, 12000), ...odd.flatMap((of) => (of.ok ? of.plan : []))]) {
        for (const one of launchCases(plan, false)) cases.set(JSON.stringify(one.argv), one);
      }
      expect(cases.size).toBeGreaterThan(3000);
      expect(await judge([...cases.values()])).toEqual([]);
    });
  });

  describe("arguments, resolution and SGLang's own checks", () => {
    test.each(STACKS)("%s", async (stack) => {
      const plan = stackPlan(stack);
      const cases = launchCases(plan, true);
      expect(cases.length).toBe(plan.serversPerGroup);
      await expectAsPlanned(plan, cases);
    });

    test("100 specs that show every pair of choices", async () => {
      const plans = plansOf(usualExtraArgs, 4000);
      const { picked, missing } = pickPairwise(plans, planFactors, 100);
      expect(picked.length).toBe(100);
      expect(missing).toEqual([]);
      for (const plan of picked) await expectAsPlanned(plan, launchCases(plan, true));
    });
  });

  /** SGLang takes the lines, and what it then works with is what the plan says. */
  async function expectAsPlanned(plan: ServingPlan, cases: readonly Case[]): Promise<void> {
    const verdicts = await parser.judge(cases);
    expect(objections(verdicts, cases)).toEqual([]);
    const { layout, memory, spec } = plan;
    const perRank = Number(argumentOf(cases[0], "--chunked-prefill-size")) / layout.dataParallel;
    for (const [index, { resolved, environment }] of verdicts.entries()) {
      expect(environment).toEqual(environmentOf(plan));
      expect(resolved, JSON.stringify(cases[index]?.argv)).toMatchObject({
        tp_size: layout.tensorParallel,
        pp_size: layout.pipelineParallel,
        dp_size: 1,
        attn_dp_size: layout.dataParallel,
        ep_size: layout.expertParallel,
        ep_num_redundant_experts: layout.redundantExperts,
        nnodes: plan.serversPerGroup,
        node_rank: index,
        mem_fraction_static: memory.memFractionStatic,
        max_running_requests: Number(argumentOf(cases[0], "--max-running-requests")),
        context_length: spec.model.contextLength,
        chunked_prefill_size: perRank,
        // One type under two names.
        kv_cache_dtype:
          spec.engine.kvCacheDtype === "bfloat16" ? expect.stringMatching(/^(bf16|bfloat16)$/) : "fp8_e4m3",
        random_seed: 42,
      });
    }
  }

  describe("the check can fail", () => {
    const good = "--model-path /m --tp-size 16 --nnodes 2 --node-rank 0 --dist-init-addr leader:20000".split(" ");
    const refused: [string, string, RegExp][] = [
      ["an abbreviation", "--mem-fraction 0.8", /abbreviated --mem-fraction/],
      ["a deprecated flag", "--enable-dp-attention", /--enable-dp-attention/],
      ["an ambiguous beginning", "--cuda-graph-max-bs 8", /ambiguous option/],
      ["a flag that is gone", "--enable-deepep-moe", /unrecognized arguments/],
      ["a value outside the choices", "--kv-cache-dtype fp16", /invalid choice/],
      ["a word where a number belongs", "--max-running-requests many", /invalid .*int/],
      ["attention DP that does not divide", "--attn-dp-size 3", /AssertionError/],
      ["a context longer than the model's", "--context-length 200000", /context/i],
      ["drafts over pipeline stages", "--tp-size 8 --pp-size 2 --speculative-algorithm EAGLE", /PP \+ speculative/],
      ["dense layers over two ranks", "--moe-dense-tp-size 2", /moe.dense.tp.size/i],
      ["a colon in the name", "--served-model-name a:b", /:/],
      ["a chunk that is no whole number of pages", "--page-size 48", /chunked.prefill.size/i],
      ["a warning that nobody expects", "--kv-cache-dtype fp8_e5m2", /triton/],
    ];
    test("and does not on the line that these start from", async () => {
      expect(await judge([{ id: "good", argv: good, resolve: true }])).toEqual([]);
    });
    test.each(refused)("%s", async (_name, words, expected) => {
      const found = await judge([{ id: words, argv: [...good, ...words.split(" ")], resolve: true }]);
      expect(found.join("\n").split("\n  [")[0]).toMatch(expected);
    });
  });
});

/** The variables of a plan as SGLang must understand them. */
function environmentOf({ env, spec }: ServingPlan): Record<string, unknown> {
  const addresses = Object.values(spec.servers).map(({ address }) => address);
  const dispatch = env.SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK;
  return {
    SGLANG_CACHE_DIR: "/var/cache/sglang",
    SGLANG_CUDA_COREDUMP_BEFORE_CRASH: false,
    SGLANG_PYSPY_DUMP_BEFORE_CRASH: false,
    SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION: true,
    SGLANG_WARMUP_TIMEOUT: 1800,
    SGLANG_ZMQ_ALLOWED_PEERS: ["127.0.0.1", ...addresses.sort()],
    ...(dispatch === undefined ? {} : { SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK: Number(dispatch) }),
  };
}

function plansOf(extraArgs: fc.Arbitrary<string[]>, numRuns: number): ServingPlan[] {
  return fc.sample(randomSpec(extraArgs), { numRuns, seed }).flatMap((spec) => planOf(spec) ?? []);
}

function argumentOf(one: Case | undefined, flag: string): string | undefined {
  return one?.argv[one.argv.indexOf(flag) + 1];
}
