import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseFlags } from "../../src/emulator/flags/parse-flags.ts";
import { fetchSglang } from "./fetch-sglang.ts";
import { findPython } from "./python.ts";
import { anyExtraArgs } from "./random-spec.ts";
import { SglangParser } from "./sglang-parser.ts";

const seed = Number(process.env.TANDEM_SEED ?? 20261124);
const python = await findPython();

/**
 * Where SGLang itself crashes instead of answering: a JSON adapter without its two names is an assertion in its own
 * argparse action.
 */
const SGLANG_CRASHES = /AssertionError/;
/** Python's int() also reads the digits of other scripts. The emulator does not, and the plan refuses them. */
const OTHER_DIGITS = /٣/;

describe.skipIf("obstacle" in python)("the emulator takes and refuses what SGLang takes and refuses", () => {
  let parser: SglangParser;

  beforeAll(async () => {
    if ("obstacle" in python) return;
    parser = await SglangParser.start(python.executable, await fetchSglang(python));
  });
  afterAll(() => parser?.stop());

  test("3,000 lines with any flags and any values, right and wrong", async () => {
    const lines = fc.sample(anyExtraArgs, { numRuns: 3000, seed }).map((words) => ["--model-path", "/m", ...words]);
    const verdicts = await parser.judge(lines.map((argv, index) => ({ id: String(index), argv })));
    const refused = verdicts.filter(({ error }) => error !== null).length;
    // Both kinds of line, or the test would say nothing.
    expect(refused).toBeGreaterThan(300);
    expect(lines.length - refused).toBeGreaterThan(300);
    const differences = verdicts.flatMap(({ error }, index) => {
      const ours = parseFlags(lines[index] ?? []);
      if (lines[index]?.some((word) => OTHER_DIGITS.test(word))) return [];
      if (ours.ok === (error === null) || SGLANG_CRASHES.test(error ?? "")) return [];
      return [
        `${JSON.stringify(lines[index])}\n  SGLang: ${error ?? "takes it"}\n  emulator: ${JSON.stringify(ours).slice(0, 200)}`,
      ];
    });
    expect(differences).toEqual([]);
  });
});
