import { describe, expect, test } from "vitest";
import { FLAGS, REMOVED_FLAGS } from "../../src/plan/flags/catalogue.ts";
import { readExtraArgs } from "../../src/plan/flags/extra-args.ts";
import { OWNED_FLAGS, REFUSED_FLAGS } from "../../src/plan/flags/owned.ts";
import { FLAG_RULES } from "../../src/plan/flags/rules.ts";
import { planned, refused } from "./good-spec.ts";

const said = (...args: string[]) =>
  readExtraArgs(args).problems.map(({ what, why, fix, path }) => `${path.at(-1)} ${what}: ${why}; ${fix}`);

describe("flags that people may add", () => {
  test.each<[string, string[], Record<string, string[]>]>([
    ["nothing", [], {}],
    ["a value", ["--stream-interval", "4"], { "--stream-interval": ["4"] }],
    ["a value after =", ["--stream-interval=4"], { "--stream-interval": ["4"] }],
    ["a switch", ["--disable-radix-cache"], { "--disable-radix-cache": [] }],
    ["a negative number", ["--stream-interval", "-1"], { "--stream-interval": ["-1"] }],
    ["several values", ["--cuda-graph-bs-decode", "1", "2", "4"], { "--cuda-graph-bs-decode": ["1", "2", "4"] }],
    ["a choice", ["--schedule-policy", "lpm"], { "--schedule-policy": ["lpm"] }],
    [
      "two flags",
      ["--log-level", "info", "--disable-radix-cache"],
      { "--log-level": ["info"], "--disable-radix-cache": [] },
    ],
  ])("%s", (_name, args, flags) => {
    const read = readExtraArgs(args);
    expect(read.problems).toEqual([]);
    expect(Object.fromEntries(read.flags)).toEqual(flags);
  });

  test("they end the command line as they were written", () => {
    const { args } = planned({ "engine.extraArgs": ["--stream-interval=4", "--log-level", "info"] }).launch.leader;
    expect(args.slice(-3)).toEqual(["--stream-interval=4", "--log-level", "info"]);
  });
});

describe("refused, with the replacement named", () => {
  test.each<[string, string[], RegExp[]]>([
    ["removed", ["--cuda-graph-max-bs", "128"], [/^0 --cuda-graph-max-bs was removed.*--cuda-graph-max-bs-decode/]],
    ["removed, nothing instead", ["--speculative-skip-dp-mlp-sync"], [/was removed.*take it out; nothing replaced it/]],
    ["deprecated", ["--disable-cuda-graph"], [/is deprecated.*write --cuda-graph-backend-decode=disabled and/]],
    ["deprecated and ours", ["--enable-dp-attention"], [/deprecated.*set engine.layout, which gives --attn-dp-size/]],
    ["abbreviated", ["--stream-int", "4"], [/is an abbreviation.*write the flag in full: --stream-interval/]],
    ["abbreviated and ours", ["--tp", "8"], [/is an abbreviation.*set engine.layout, which gives --tp-size/]],
    ["an alias of ours", ["--tensor-parallel-size", "8"], [/is written by the plan: engine.layout decides it/]],
    ["ours", ["--mem-fraction-static=0.9"], [/set engine.memFractionStatic instead/]],
    ["fixed", ["--host", "127.0.0.1"], [/probes and the gateway need 0\.0\.0\.0.*take it out/]],
    ["a secret", ["--api-key", "s3cret"], [/is refused: .*\/proc/]],
    ["unknown", ["--log-levle", "info"], [/is unknown.*did you mean --log-level\?/]],
    ["underscores", ["--stream_interval", "4"], [/is unknown.*did you mean --stream-interval\?/]],
    ["a flag and value in one word", ["--stream-interval 4"], [/has a space.*\["--stream-interval", "4"\]/]],
    ["a value without a flag", ["4"], [/^0 4 is a value without a flag/]],
    ["a short flag", ["-x"], [/-x is a value without a flag/]],
    ["no value", ["--stream-interval"], [/needs a value: it takes int/]],
    ["a value for a switch", ["--disable-radix-cache=1"], [/takes no value/]],
    ["a value after a switch", ["--disable-radix-cache", "1"], [/^1 1 is a value without a flag/]],
    ["not a number", ["--stream-interval", "four"], [/^1 four is not a value of --stream-interval.*whole number/]],
    ["not a choice", ["--schedule-policy", "best"], [/best is not a value.*use one of .*fcfs/]],
    ["twice", ["--log-level", "info", "--log-level", "debug"], [/^2 --log-level is given twice/]],
    [
      "three mistakes",
      ["--tp=8", "--nonsense", "--enable-ep-moe"],
      [/^0 --tp/, /^1 --nonsense/, /^2 --enable-ep-moe was/],
    ],
  ])("%s", (_name, args, expected) => {
    const found = said(...args);
    expect(found).toHaveLength(expected.length);
    expected.forEach((pattern, at) => {
      expect(found[at]).toMatch(pattern);
    });
  });

  test("every removed spelling says what to write now", () => {
    for (const [flag, replacement] of Object.entries(REMOVED_FLAGS)) {
      const [sentence = ""] = said(flag);
      expect(sentence, flag).toContain("was removed");
      expect(sentence).toContain(replacement ?? "nothing replaced it");
    }
  });

  test("every deprecated flag names its successor", () => {
    const successors = Object.entries(FLAGS).flatMap(([flag, { deprecated }]) =>
      deprecated ? [[flag, deprecated]] : [],
    );
    expect(successors.length).toBeGreaterThan(4);
    for (const [flag = "", successor = ""] of successors) expect(said(flag)[0], flag).toContain(successor);
  });

  test("the first mistake of a secret flag does not repeat the secret", () => {
    expect(said("--api-key", "s3cret").join()).not.toContain("s3cret");
    expect(said("--api-key=s3cret").join()).not.toContain("s3cret");
  });
});

describe("the catalogues agree", () => {
  test("what the plan writes, refuses or replaces exists in the release; what was removed does not", () => {
    const named = [...Object.keys(OWNED_FLAGS), ...Object.keys(REFUSED_FLAGS), ...FLAG_RULES.map(({ flag }) => flag)];
    for (const flag of named) expect(FLAGS[flag], flag).toBeDefined();
    for (const flag of Object.keys(REMOVED_FLAGS)) expect(FLAGS[flag], flag).toBeUndefined();
    const replacements = Object.values(REMOVED_FLAGS).flatMap((text) => text?.match(/--[a-z0-9-]+/g) ?? []);
    for (const flag of replacements) expect(FLAGS[flag], flag).toBeDefined();
    expect(Object.keys(FLAGS)).toHaveLength(531);
  });

  test("every flag that any plan writes is owned, current and whole", () => {
    for (const changes of [{}, { "engine.optimizeFor": "throughput" }, { "engine.speculative": true }]) {
      const { args } = planned(changes).launch.leader;
      for (const flag of args.filter((word) => word.startsWith("--"))) {
        expect(FLAGS[flag]?.deprecated, flag).toBeUndefined();
        expect([flag, flag in FLAGS, flag in OWNED_FLAGS]).toEqual([flag, true, true]);
      }
    }
  });
});

const BROKEN: Record<string, [string[], Record<string, unknown>, RegExp]> = {
  lora_paths: [["--lora-paths", '{"lora_name": "a"}'], {}, /wants lora_name and lora_path/],
  chunk_page: [["--page-size", "48"], {}, /8192.*not a multiple of 48/],
  priority_policy: [["--enable-priority-scheduling", "--schedule-policy", "lpm"], {}, /fcfs or lof, not lpm/],
  retraction_priority: [["--retraction-policy", "priority"], {}, /needs --enable-priority-scheduling/],
  tbo: [["--enable-two-batch-overlap"], {}, /tp16 has neither/],
  ep_dispatch_none_static: [["--ep-dispatch-algorithm", "static"], { "engine.layout": "tp16-ep16" }, /all-to-all/],
  spec_weight_cache: [["--weight-cache-mode", "client"], { "engine.speculative": true }, /MTP/],
  tp_lm_head_a2a: [["--enable-tp-lm-head-all-to-all"], {}, /attention DP over all ranks/],
  gated_launch_port: [["--gated-launch-port", "20005"], {}, /20005 is one of the engine's own ports/],
};

describe("relations between extra flags and the rest", () => {
  test("each rule has a row here", () => {
    expect(Object.keys(BROKEN).toSorted()).toEqual(FLAG_RULES.map(({ id }) => id).toSorted());
  });

  test.each(Object.entries(BROKEN))("%s", (id, [extraArgs, changes, why]) => {
    const problems = refused({ ...changes, "engine.extraArgs": extraArgs });
    expect(problems).toMatchObject([
      { code: "E_PLAN_FLAG_RULE", path: ["engine", "extraArgs", 0], what: expect.stringContaining(`[${id}]`) },
    ]);
    expect(problems[0]?.why).toMatch(why);
    expect(problems[0]?.fix.length).toBeGreaterThan(10);
  });

  test.each([
    [["--page-size", "64"], {}],
    [["--enable-priority-scheduling", "--schedule-policy", "lof", "--retraction-policy", "priority"], {}],
    [["--enable-two-batch-overlap", "--ep-dispatch-algorithm", "static"], { "engine.layout": "dp16-ep16" }],
    [["--gated-launch-port", "20014"], {}],
    [["--lora-paths", "a=/models/a", '{"lora_name": "b", "lora_path": "/models/b"}'], {}],
    [["--weight-cache-mode", "client"], {}],
  ])("kept: %j", (extraArgs, changes) => {
    expect(planned({ ...changes, "engine.extraArgs": extraArgs }).launch.leader.args).toEqual(
      expect.arrayContaining(extraArgs),
    );
  });
});
