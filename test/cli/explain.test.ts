import { describe, expect, test } from "vitest";
import { tandem } from "../support/cli.ts";

const SPEC = ["--spec", "stacks/roce.yaml"];

describe("tandem explain", () => {
  test.each<[string[], RegExp[]]>([
    [["tp16"], [/^LAYOUT tp16: tensor parallel 16 /, / needs 16 GPUs/, /--spec SPEC/, /benchmark\/deepseek_v3/]],
    [
      ["dp16-ep16", ...SPEC],
      [/It is what the plan chose/, /4,332,272 tokens/, /--attn-dp-size 16/],
    ],
    [
      ["tp8", ...SPEC],
      [/It cannot run/, /79\.5 GiB/, /\[weights_fit\]/],
    ],
    [
      ["--attn-dp-size", ...SPEC],
      [/replaced --enable-dp-attention/, /engine\.layout of the spec/, /in roce: .* 16/],
    ],
    [["tensor-parallel-size"], [/^--tp-size, a flag of SGLang 0\.5\.23 /, /spelled .*--tensor-parallel-size/]],
    [["--cuda-graph-max-bs"], [/gone from SGLang 0\.5\.23/, /write --cuda-graph-max-bs-decode/]],
    [["[weights_fit]", ...SPEC], [/\d+ layouts of roce break it/]],
    [["redundant_mod"], [/\(256 \+ ep_num_redundant_experts\)/, /expert_location\.py:256/]],
    [
      ["xid", "79"],
      [/^XID 79/, /failover/],
    ],
    [
      ["sxid", "20034"],
      [/^SXid 20034 LTSSM Fault Up/, /Fatal failover-reset: /, /Fabric Manager User Guide/],
    ],
  ])("%j", async (words, patterns) => {
    const { exitCode, stdout, stderr } = await tandem(["explain", ...words]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    // Where a line breaks does not matter.
    const words80 = stdout.replace(/\s+/g, " ");
    for (const pattern of patterns) expect(words80).toMatch(pattern);
    expect(stdout.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
  });

  test.each<[string[], object]>([
    [
      ["tp16", ...SPEC],
      { kind: "layout", layout: { name: "tp16" }, needsGpus: 16, here: { runs: true, chosen: false } },
    ],
    [["--tp-size"], { kind: "flag", flag: "--tp-size", type: "int", version: "0.5.23" }],
    [["pp_spec"], { kind: "rule", rule: "pp_spec", sglang: { action: "reject" } }],
    [["xid", "94"], { code: 94 }],
    [["sxid-20034"], { code: 20034, fatal: { remedy: "failover-reset" } }],
  ])("%j for a program", async (words, data) => {
    const { stdout } = await tandem(["explain", ...words, "--output", "json"]);
    expect(JSON.parse(stdout)).toMatchObject(data);
  });

  test.each([
    [["heads_divisble"], /did you mean heads_divisible\?/],
    [["--attn-dp-sise"], /did you mean --attn-dp-size\?/],
    [["xid"], /try tandem explain xid 94/],
    [["xid", "ninety"], /cannot explain xid ninety/],
    [["nothing at all like it"], /E_EXPLAIN_TOPIC/],
  ])("%j is refused with what to ask instead", async (words, pattern) => {
    const { exitCode, stdout, stderr } = await tandem(["explain", ...words]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(pattern);
  });
});
