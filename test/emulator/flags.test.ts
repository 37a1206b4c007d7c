import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Flag, flags, parseFlags, removedFlags } from "../../src/emulator/flags/parse-flags.ts";

const MODEL = ["--model-path", "/models/deepseek-v3"];

/** A value that the flag's type accepts; null for a flag that takes none. */
function acceptedValue(flag: Flag): string | null {
  if (["StoreTrue", "BooleanOptional", "DeprecatedStoreTrue"].includes(flag.action ?? "")) return null;
  if (flag.choices !== undefined) return flag.choices[0] ?? "";
  switch (flag.type) {
    case "int":
    case "human_readable_int":
      return "8";
    case "float":
      return "0.5";
    case "loads":
      return '{"a": 1}';
    case "json_list_type":
      return "[1]";
    case "parse_cuda_graph_config_arg":
      return '{"decode": {"backend": "full"}}';
    case "parse_cuda_graph_backend_arg":
      return "full";
    default:
      return "text";
  }
}

describe("SGLang 0.5.23's command line", () => {
  test("there are the 531 flags of the wheel", () => expect(flags).toHaveLength(531));

  test.each(flags.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])].map((option) => [option, flag] as const)))(
    "%s is accepted",
    (option, flag) => {
      const value = acceptedValue(flag);
      const parsed = parseFlags([...(flag.required ? [] : MODEL), option, ...(value === null ? [] : [value])]);
      expect(parsed).toMatchObject({ ok: true });
      if (parsed.ok) expect(parsed.given).toContain(flag.name);
    },
  );

  test.each(removedFlags)("%s, an older spelling, is refused", (option) => {
    const parsed = parseFlags([...MODEL, option]);
    expect(parsed.ok).toBe(false);
    expect(!parsed.ok && "message" in parsed && parsed.message).toMatch(/^(unrecognized arguments|ambiguous option): /);
  });

  test.each([
    [["--tp", "16"], "tp_size", 16],
    [["--dp", "2"], "dp_size", 2],
    [["--ep", "16"], "ep_size", 16],
    [["--tensor-parallel-size=4"], "tp_size", 4],
    [["--context-length", "64k"], "context_length", 64_000],
    [["--context-length", "64Ki"], "context_length", 65_536],
    [["--tp-size", "2", "--tp-size", "8"], "tp_size", 8],
    [["--no-lora-strict-loading"], "lora_strict_loading", false],
    [["--cuda-graph-bs-decode", "1", "2", "4"], "cuda_graph_bs_decode", [1, 2, 4]],
    [["--random-seed", "-3"], "random_seed", -3],
  ])("%j sets %s", (argv, field, value) => {
    const parsed = parseFlags([...MODEL, ...argv]);
    expect(parsed.ok && parsed.values[field]).toEqual(value);
  });

  test("a deprecated flag parses and warns", () => {
    const parsed = parseFlags([...MODEL, "--enable-dp-attention"]);
    expect(parsed.ok && parsed.warnings).toEqual([
      "'--enable-dp-attention' is deprecated and will be removed in a future release. Use '--attn-dp-size <dp-size>' instead.",
    ]);
  });

  test.each([
    [[], "the following arguments are required: --model-path/--model"],
    [[...MODEL, "--no-such-flag", "x", "stray"], "unrecognized arguments: --no-such-flag x stray"],
    [
      [...MODEL, "--pp", "2"],
      "ambiguous option: --pp could match --pp-size, --pp-max-micro-batch-size, --pp-async-batch-depth",
    ],
    [[...MODEL, "--tp-size", "two"], "argument --tp-size/--tensor-parallel-size: invalid int value: 'two'"],
    [[...MODEL, "--tp-size"], "argument --tp-size/--tensor-parallel-size: expected one argument"],
    [[...MODEL, "--trust-remote-code=yes"], "argument --trust-remote-code: ignored explicit argument 'yes'"],
    [
      [...MODEL, "--tokenizer-mode", "fast"],
      "argument --tokenizer-mode: invalid choice: 'fast' (choose from 'auto', 'slow')",
    ],
    [[...MODEL, "--cuda-graph-bs-decode"], "argument --cuda-graph-bs-decode: expected at least one argument"],
    [
      [...MODEL, "--cuda-graph-backend-decode", "tc_piecewise"],
      "argument --cuda-graph-backend-decode: tc_piecewise was removed; select breakable, full, or disabled",
    ],
  ])("%j is refused in argparse's words", (argv, message) => {
    expect(parseFlags(argv)).toEqual({ ok: false, message });
  });
});

// The real argparse, built from the same table, says what is right for any command line.
const PYTHON = `
import argparse, json, sys
flags, cases = json.load(sys.stdin)
class Failed(Exception): pass
class Parser(argparse.ArgumentParser):
    def error(self, message): raise Failed(message)
parser = Parser(prog="sglang serve")
types = {"int": int, "float": float}
for flag in flags:
    names = [flag["name"], *flag.get("aliases", [])]
    action = flag.get("action")
    if action in ("StoreTrue", "DeprecatedStoreTrue"): parser.add_argument(*names, dest=flag["field"], action="store_true")
    elif action == "BooleanOptional": parser.add_argument(flag["name"], dest=flag["field"], action=argparse.BooleanOptionalAction)
    else: parser.add_argument(*names, dest=flag["field"], type=types.get(flag["type"], str), nargs=flag.get("nargs"), choices=[types.get(flag["type"], str)(choice) for choice in flag["choices"]] if "choices" in flag else None, required=flag.get("required", False))
out = []
for argv in cases:
    try: out.append({"ok": True, "values": {key: value for key, value in vars(parser.parse_args(argv)).items()}})
    except Failed as error: out.append({"ok": False, "message": str(error)})
print(json.dumps(out))
`;
const simple = flags.filter(
  ({ type, action }) =>
    ["str", "int", "float", "bool"].includes(type) && action !== "DeprecatedStoreConst" && action !== "LoRAPath",
);
const hasPython = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info >= (3, 13))"]).status === 0;

describe.skipIf(!hasPython)("against Python's argparse with the same table", () => {
  test("3,000 random command lines: same verdict, same words, same values", () => {
    const options = simple.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    const option = fc.constantFrom(...options);
    const word = fc.oneof(
      option,
      option.chain((name) => fc.integer({ min: 3, max: name.length }).map((length) => name.slice(0, length))),
      fc.tuple(option, fc.constantFrom("8", "", "x", "0.5")).map(([name, value]) => `${name}=${value}`),
      fc.constantFrom(
        "8",
        "-8",
        "0.5",
        "-0.5",
        "1e3",
        "1_0",
        "auto",
        "text",
        "two words",
        "-",
        "-x",
        "--",
        "--no-such",
      ),
    );
    const cases = fc
      .sample(fc.array(word, { maxLength: 6 }), { numRuns: 3000, seed: 42 })
      .map((argv) => [...MODEL, ...argv]);
    // `--` and what follows differ between Python releases.
    const usable = cases.filter(
      (argv) =>
        !argv.includes("--") && !argv.includes("-h") && !argv.some((arg) => "--help".startsWith(arg) && arg.length > 2),
    );
    const { stdout, stderr } = spawnSync("python3", ["-c", PYTHON], {
      input: JSON.stringify([simple, usable]),
      maxBuffer: 2 ** 28,
    });
    expect(String(stderr)).toBe("");
    const wanted = JSON.parse(String(stdout)) as (
      | { ok: true; values: Record<string, unknown> }
      | { ok: false; message: string }
    )[];
    let accepted = 0;
    for (const [at, argv] of usable.entries()) {
      const ours = parseFlags(argv);
      const theirs = wanted[at];
      const label = JSON.stringify(argv);
      // Flags of other types are missing in Python's table: an abbreviation may be unique there and not here.
      if (!ours.ok && "message" in ours && ours.message.startsWith("ambiguous option")) continue;
      if (theirs?.ok !== true) {
        expect(ours, label).toEqual(theirs);
        continue;
      }
      accepted++;
      expect(ours.ok, label).toBe(true);
      if (!ours.ok) continue;
      for (const name of ours.given) {
        const { field } = flags.find((flag) => flag.name === name) as Flag;
        if (field in theirs.values) expect(ours.values[field], label).toEqual(theirs.values[field]);
      }
    }
    expect(accepted).toBeGreaterThan(300);
  });
});
