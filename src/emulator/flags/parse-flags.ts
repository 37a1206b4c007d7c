import data from "../data/flags.json" with { type: "json" };
import { convert, FlagValueError, repr } from "./python-types.ts";

/** One flag of SGLang 0.5.23's parser, as `data/flags.json` keeps it. */
export interface Flag {
  name: string;
  field: string;
  type: string;
  nargs?: string;
  action?: string;
  choices?: string[];
  default?: unknown;
  required?: boolean;
  aliases?: string[];
  deprecated?: string | boolean;
}

export type ParsedFlags =
  | { ok: true; values: Record<string, unknown>; given: string[]; warnings: string[] }
  /** argparse's own sentence, without `launch_server.py: error: `; the process ends with code 2. */
  | { ok: false; message: string }
  | { ok: false; help: true };

export const flags: readonly Flag[] = Object.entries(data.flags as unknown as Record<string, Omit<Flag, "name">>).map(
  ([name, flag]) => ({ name, ...flag }),
);
/** Spellings of older releases that 0.5.23 no longer knows. */
export const removedFlags: readonly string[] = data.removed;

const byOption = new Map<string, Flag>();
for (const flag of flags) for (const option of [flag.name, ...(flag.aliases ?? [])]) byOption.set(option, flag);
const options = ["-h", "--help", ...byOption.keys()];

class Refusal extends Error {}

/** Choices are kept as text; those of a number are numbers in Python, and printed as such. */
const choicesOf = (flag: Flag): unknown[] =>
  (flag.choices ?? []).map((choice) => (flag.type === "int" ? Number(choice) : choice));
const show = (value: unknown) => (typeof value === "string" ? repr(value) : String(value));

const takesNothing = (flag: Flag) =>
  flag.action === "StoreTrue" || flag.action === "BooleanOptional" || flag.action === "DeprecatedStoreTrue";
const display = (flag: Flag) => [flag.name, ...(flag.aliases ?? [])].join("/");

type Classified = { kind: "value" } | { kind: "unknown" } | { kind: "option"; option: string; explicit: string | null };

/** argparse `_parse_optional`: exact name, name=value, abbreviation, negative number, text with a space, unknown. */
function classify(argument: string): Classified {
  if (!argument.startsWith("-") || argument.length === 1) return { kind: "value" };
  if (options.includes(argument)) return { kind: "option", option: argument, explicit: null };
  const equals = argument.indexOf("=");
  const head = equals < 0 ? argument : argument.slice(0, equals);
  const explicit = equals < 0 ? null : argument.slice(equals + 1);
  if (explicit !== null && options.includes(head)) return { kind: "option", option: head, explicit };
  const matches = argument.startsWith("--") ? options.filter((option) => option.startsWith(head)) : [];
  if (matches.length > 1) throw new Refusal(`ambiguous option: ${argument} could match ${matches.join(", ")}`);
  if (matches[0] !== undefined) return { kind: "option", option: matches[0], explicit };
  // `-h` glued to something else, such as -help: argparse tries the single-dash prefix.
  if (/^-\d+$|^-\d*\.\d+$/.test(argument) || argument.includes(" ")) return { kind: "value" };
  return { kind: "unknown" };
}

function valuesFor(flag: Flag, explicit: string | null, following: string[]): { taken: number; raw: string[] } {
  const fail = (text: string): never => {
    throw new Refusal(`argument ${display(flag)}: ${text}`);
  };
  if (takesNothing(flag))
    return explicit === null ? { taken: 0, raw: [] } : fail(`ignored explicit argument ${repr(explicit)}`);
  if (explicit !== null) return { taken: 0, raw: [explicit] };
  if (flag.nargs === undefined)
    return following[0] === undefined ? fail("expected one argument") : { taken: 1, raw: following.slice(0, 1) };
  if (flag.nargs === "?") return { taken: Math.min(1, following.length), raw: following.slice(0, 1) };
  if (flag.nargs === "+" && following.length === 0) return fail("expected at least one argument");
  return { taken: following.length, raw: following };
}

function store(flag: Flag, option: string, raw: string[]): unknown {
  if (flag.action === "BooleanOptional") return !option.startsWith("--no-");
  if (takesNothing(flag)) return true;
  const values = raw.map((text) => {
    let value: unknown;
    try {
      value = convert(flag.type, text);
    } catch (error) {
      if (error instanceof FlagValueError) throw new Refusal(`argument ${display(flag)}: ${error.message}`);
      throw error;
    }
    if (flag.choices !== undefined && !flag.choices.includes(String(value)))
      throw new Refusal(
        `argument ${display(flag)}: invalid choice: ${show(value)} (choose from ${choicesOf(flag).map(show).join(", ")})`,
      );
    return value;
  });
  if (flag.action === "DeprecatedStoreConst") return true;
  if (flag.nargs === "+" || flag.nargs === "*") return values;
  return values[0] ?? null;
}

/**
 * Parses everything after `python3 -m sglang.launch_server` as Python 3.12's argparse does with SGLang 0.5.23's parser:
 * abbreviations on, last one wins, unknown arguments collected to the end. `values` is keyed by field, defaults filled in.
 */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const values: Record<string, unknown> = {};
  for (const flag of flags) values[flag.field] ??= flag.default ?? null;
  const given: string[] = [];
  const warnings: string[] = [];
  const extras: string[] = [];
  try {
    const cut = argv.indexOf("--");
    const classified = argv.map(
      (argument, at): Classified => (cut >= 0 && at >= cut ? { kind: "value" } : classify(argument)),
    );
    for (let at = 0; at < argv.length; at++) {
      const entry = classified[at] as Classified;
      if (entry.kind !== "option") {
        extras.push(argv[at] as string);
        continue;
      }
      if (entry.option === "-h" || entry.option === "--help") return { ok: false, help: true };
      const flag = byOption.get(entry.option) as Flag;
      let end = at + 1;
      while (end < argv.length && classified[end]?.kind === "value" && argv[end] !== "--") end++;
      const { taken, raw } = valuesFor(flag, entry.explicit, argv.slice(at + 1, end));
      values[flag.field] = store(flag, entry.option, raw);
      given.push(flag.name);
      if (flag.deprecated !== undefined && flag.deprecated !== false)
        warnings.push(
          `'${entry.option}' is deprecated and will be removed in a future release. Use '${flag.deprecated}' instead.`,
        );
      at += taken;
    }
    const missing = flags.filter((flag) => flag.required === true && !given.includes(flag.name));
    if (missing.length > 0)
      throw new Refusal(`the following arguments are required: ${missing.map(display).join(", ")}`);
    if (extras.length > 0) throw new Refusal(`unrecognized arguments: ${extras.join(" ")}`);
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, message: error.message };
    throw error;
  }
  return { ok: true, values, given, warnings };
}
