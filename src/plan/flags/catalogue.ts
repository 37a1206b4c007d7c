import flagData from "../data/sglang-flags.json" with { type: "json" };
import removedData from "../data/sglang-removed-flags.json" with { type: "json" };

/** The release whose flags these are; `engine.image` must be built from it. */
export const SGLANG_VERSION = "0.5.23";

/** One flag of the pinned SGLang release. `nargs` is argparse's: a count, "+", "*", "?" or none for one value. */
export interface Flag {
  type: string;
  section: string;
  default?: unknown;
  choices?: string[];
  aliases?: string[];
  nargs?: number | string;
  /** What to write instead. */
  deprecated?: string;
  required?: boolean;
}

export const FLAGS = flagData as unknown as Readonly<Record<string, Flag>>;

const { _about, ...removed } = removedData;
/** Spellings that the release no longer takes, with the replacement; null where nothing replaced them. */
export const REMOVED_FLAGS: Readonly<Record<string, string | null>> = removed;

const byAlias = new Map(
  Object.entries(FLAGS).flatMap(([name, flag]) => (flag.aliases ?? []).map((alias) => [alias, name])),
);

/** The canonical name of a flag that is written in full, aliases included. */
export function canonicalFlag(word: string): string | undefined {
  return Object.hasOwn(FLAGS, word) ? word : byAlias.get(word);
}

/** All flags that argparse would take `word` for, because it is their beginning. */
export function flagsStartingWith(word: string): string[] {
  return [...Object.keys(FLAGS), ...byAlias.keys()].filter((name) => name.startsWith(word));
}

/** Why `value` is not accepted for a flag, or undefined. Only types that argparse itself checks are checked. */
export function valueProblem(flag: Flag, value: string): string | undefined {
  if (flag.choices !== undefined && !flag.choices.includes(value)) return `use one of ${flag.choices.join(", ")}`;
  if (flag.type === "int" && !/^[+-]?\d+$/.test(value)) return "use a whole number";
  if (flag.type === "float" && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return "use a number";
  if (flag.type === "human_readable_int" && !/^\d+(\.\d+)?[kMGT]$|^\d+([KMGT]i)?$/.test(value)) {
    return "use a whole number, or one with k, M, Ki or Mi";
  }
  if ((flag.type === "loads" || flag.type === "json_list_type") && !isJson(value)) return "use JSON";
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
