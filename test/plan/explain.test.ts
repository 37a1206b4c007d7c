import { describe, expect, test } from "vitest";
import { FLAGS, REMOVED_FLAGS } from "../../src/plan/flags/catalogue.ts";
import { FLAG_MEANINGS } from "../../src/plan/flags/meanings.ts";
import { FLAG_RULES } from "../../src/plan/flags/rules.ts";
import { SGLANG_RULES } from "../../src/plan/flags/sglang-rules.ts";
import { enumerateLayouts } from "../../src/plan/layouts/enumerate.ts";
import { explainFlag } from "../../src/report/explain-flag.ts";
import { explainLayout } from "../../src/report/explain-layout.ts";
import { explainRule, RULE_IDS } from "../../src/report/explain-rule.ts";
import type { Explanation } from "../../src/report/explanation.ts";
import { planned, servers, specOf } from "./good-spec.ts";

function mustRead(explanation: Explanation | undefined, name: string): void {
  expect(explanation?.text.length, name).toBeGreaterThan(80);
  expect(explanation?.text, name).not.toMatch(/undefined|NaN|\[object/);
  expect(explanation?.text, name).toMatch(/^(source|instead) /m);
  // Only a word that is longer than a line, such as a list of choices without spaces, may stand out.
  const wide = explanation?.text.split("\n").filter((line) => [...line].length > 80 && /\S\s+\S/.test(line.slice(9)));
  expect(wide, name).toEqual([]);
}

describe("everything that can be asked for has an answer", () => {
  test("flags, removed ones too", () => {
    for (const flag of [...Object.keys(FLAGS), ...Object.keys(REMOVED_FLAGS)]) mustRead(explainFlag(flag), flag);
  });

  test.each([
    ["--disable-cuda-graph", /deprecated; write --cuda-graph-backend-decode=disabled/],
    ["--api-key", /refused in engine\.extraArgs: .*\/proc/],
    ["--stream-interval", /takes int.*engine\.extraArgs may set it.*not in the command line of prod/],
    ["--tp-size", /engine\.layout of the spec decides it in prod: --tp-size 16/],
    ["--trust-remote-code", /takes nothing.*it is always set in prod: --trust-remote-code \(layout/],
    ["--enable-two-batch-overlap", /tandem explain tbo/],
  ])("%s: who decides it", (flag, pattern) => {
    expect(explainFlag(flag, specOf())?.text.replace(/\s+/g, " ")).toMatch(pattern);
  });

  test("layouts", () => {
    for (const layout of enumerateLayouts(16, 0)) {
      mustRead(explainLayout(layout), layout.name);
      mustRead(explainLayout(layout, specOf()), layout.name);
    }
  });

  test("rules, with and without a spec", () => {
    expect(RULE_IDS.length).toBeGreaterThan(50);
    for (const id of RULE_IDS) {
      mustRead(explainRule(id), id);
      mustRead(explainRule(id, specOf(servers(4))), id);
    }
  });

  test("every rule that a reason names", () => {
    const reasons = planned().rejected.flatMap(({ reasons }) => reasons);
    const ids = new Set(reasons.map((reason) => /\[(\w+)\]$/.exec(reason)?.[1] ?? ""));
    expect(ids.size).toBeGreaterThan(2);
    for (const id of ids) expect(explainRule(id), id).toBeDefined();
  });
});

describe("the catalogues behind it", () => {
  test("every flag of any command line has a meaning, and no other has", () => {
    const written = [{}, { "engine.layout": "dp16-ep16" }, { "engine.speculative": true }].flatMap((changes) =>
      planned(changes).launch.leader.args.filter((word) => word.startsWith("--")),
    );
    for (const flag of written) expect(FLAG_MEANINGS[flag], flag).toMatch(/\.$/);
    for (const flag of Object.keys(FLAG_MEANINGS)) expect(FLAGS[flag], flag).toBeDefined();
  });

  test("rules of SGLang say when, what then, and where it is written", () => {
    expect(Object.keys(SGLANG_RULES)).toHaveLength(49);
    for (const [id, { when, action, where, checked }] of Object.entries(SGLANG_RULES)) {
      expect([id, [when, action, where].every((text) => text.length > 0)]).toEqual([id, true]);
      expect(["arguments", "start", "nowhere"]).toContain(checked);
    }
  });

  test("a rule of ours that SGLang has too bears SGLang's name", () => {
    const ours = FLAG_RULES.map(({ id }) => id).filter((id) => !["lora_paths", "gated_launch_port"].includes(id));
    for (const id of ours) expect(SGLANG_RULES[id], id).toBeDefined();
  });
});
