import { didYouMean } from "../../spec/did-you-mean.ts";
import { type Problem, problem } from "../../spec/problem.ts";
import {
  canonicalFlag,
  FLAGS,
  type Flag,
  flagsStartingWith,
  REMOVED_FLAGS,
  SGLANG_VERSION,
  valueProblem,
} from "./catalogue.ts";
import { OWNED_FLAGS, REFUSED_FLAGS } from "./owned.ts";

export interface ExtraArgs {
  /** Canonical flag to its values, for the rules between flags. */
  flags: Map<string, string[]>;
  problems: Problem[];
}

interface Word {
  text: string;
  index: number;
}

/** Reads `engine.extraArgs` as SGLang's parser would, and stricter: every word must be a whole, current, unowned flag. */
export function readExtraArgs(args: readonly string[]): ExtraArgs {
  const flags = new Map<string, string[]>();
  const problems: Problem[] = [];
  const words: Word[] = args.map((text, index) => ({ text, index }));
  for (let at = 0; at < words.length; ) {
    const word = words[at];
    if (word === undefined) break;
    at += 1;
    if (!word.text.startsWith("--")) {
      problems.push(
        refuse(
          word,
          "is a value without a flag",
          "every value belongs to a flag before it",
          'write the flag first, e.g. [--stream-interval, "4"]',
        ),
      );
      continue;
    }
    const [spelling = "", inline] = splitOnce(word.text);
    const values: Word[] = inline === undefined ? [] : [{ text: inline, index: word.index }];
    const canonical = canonicalFlag(spelling);
    const flag = canonical === undefined ? undefined : FLAGS[canonical];
    // An unknown flag swallows the values behind it, so that one mistake gives one problem.
    while (inline === undefined && values.length < mostValues(flag) && isValue(words[at])) {
      values.push(words[at] as Word);
      at += 1;
    }
    if (canonical === undefined || flag === undefined) problems.push(unknownFlag(word, spelling));
    else problems.push(...flagProblems(word, canonical, flag, values, inline !== undefined, flags.has(canonical)));
    if (canonical !== undefined)
      flags.set(
        canonical,
        values.map(({ text }) => text),
      );
  }
  return { flags, problems };
}

function flagProblems(word: Word, name: string, flag: Flag, values: Word[], inline: boolean, seen: boolean): Problem[] {
  const owned = OWNED_FLAGS[name];
  if (owned !== undefined) {
    const fix = "field" in owned ? `set ${owned.field} instead` : "take it out";
    return [refuse(word, "is written by the plan", "field" in owned ? `${owned.field} decides it` : owned.fixed, fix)];
  }
  const refused = REFUSED_FLAGS[name];
  if (refused !== undefined) return [refuse(word, "is refused", refused, "take it out")];
  if (flag.deprecated !== undefined) {
    const owner = OWNED_FLAGS[flag.deprecated.split(/[ =]/)[0] ?? ""];
    const instead =
      owner !== undefined && "field" in owner
        ? `set ${owner.field}, which gives ${flag.deprecated}`
        : `write ${flag.deprecated}`;
    return [refuse(word, "is deprecated", `SGLang ${SGLANG_VERSION} warns and will drop it`, instead)];
  }
  const problems: Problem[] = [];
  if (seen) problems.push(refuse(word, "is given twice", "the last one would win silently", "keep one"));
  if (values.length < fewestValues(flag)) {
    problems.push(
      refuse(
        word,
        "needs a value",
        flag.choices ? `one of ${flag.choices.join(", ")}` : `it takes ${flag.type}`,
        `write [${name}, VALUE]`,
      ),
    );
  }
  if (flag.nargs === 0 && inline)
    problems.push(refuse(word, "takes no value", "it is a switch", `write ${name} alone`));
  for (const value of flag.nargs === 0 ? [] : values) {
    const wrong = valueProblem(flag, value.text);
    if (wrong !== undefined)
      problems.push(
        refuse(value, `is not a value of ${name}`, `it takes ${flag.choices ? "a fixed set" : flag.type}`, wrong),
      );
  }
  return problems;
}

function unknownFlag(word: Word, spelling: string): Problem {
  if (Object.hasOwn(REMOVED_FLAGS, spelling)) {
    const replacement = REMOVED_FLAGS[spelling];
    const owner = OWNED_FLAGS[replacement?.split(" ")[0] ?? ""];
    const instead =
      owner !== undefined && "field" in owner
        ? `${replacement} replaced it; set ${owner.field}`
        : `write ${replacement}`;
    return refuse(
      word,
      `was removed`,
      `SGLang ${SGLANG_VERSION} does not know it any more`,
      replacement === null ? "take it out; nothing replaced it" : instead,
    );
  }
  if (/\s/.test(spelling)) {
    const parts = spelling.trim().split(/\s+/);
    return refuse(
      word,
      "has a space",
      "flag and value are two words of the command line",
      `write [${parts.map((part) => JSON.stringify(part)).join(", ")}]`,
    );
  }
  const longer = flagsStartingWith(spelling);
  if (longer.length > 0 && spelling.length > 2) {
    const full = longer.slice(0, 3).join(", ");
    const owner = longer.length === 1 ? OWNED_FLAGS[canonicalFlag(full) ?? ""] : undefined;
    return refuse(
      word,
      "is an abbreviation",
      `argparse guesses (${longer.length} ${longer.length === 1 ? "flag begins" : "flags begin"} like this) and the next release may guess otherwise`,
      owner !== undefined && "field" in owner
        ? `set ${owner.field}, which gives ${full}`
        : `write the flag in full: ${full}`,
    );
  }
  const meant = didYouMean(spelling.replaceAll("_", "-"), Object.keys(FLAGS));
  return refuse(
    word,
    "is unknown",
    `SGLang ${SGLANG_VERSION} has no such flag`,
    meant === undefined ? "see `tandem explain --FLAG` for what a flag means" : `did you mean ${meant}?`,
  );
}

function refuse(word: Word, what: string, why: string, fix: string): Problem {
  return problem("E_PLAN_EXTRA_ARG", ["engine", "extraArgs", word.index], { what: `${shown(word)} ${what}`, why, fix });
}

// A value behind `=` may be a key.
function shown({ text }: Word): string {
  if (text.trim() === "") return JSON.stringify(text);
  return text.startsWith("--") ? (splitOnce(text)[0] ?? text) : text;
}

function splitOnce(text: string): [string, string?] {
  const at = text.indexOf("=");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

// As argparse up to Python 3.13: a plain negative number is a value, anything else that starts with a dash is a flag.
const isValue = (word: Word | undefined): boolean => word !== undefined && !/^-(?!\d*(\.\d+)?$)/.test(word.text);

function mostValues(flag: Flag | undefined): number {
  if (flag === undefined || flag.nargs === "+" || flag.nargs === "*") return Number.POSITIVE_INFINITY;
  return typeof flag.nargs === "number" ? flag.nargs : 1;
}

function fewestValues(flag: Flag): number {
  if (flag.nargs === "*" || flag.nargs === "?") return 0;
  return typeof flag.nargs === "number" ? flag.nargs : 1;
}
