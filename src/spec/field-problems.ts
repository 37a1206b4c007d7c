import type { z } from "zod";
import { didYouMean } from "./did-you-mean.ts";
import { formatPath, type Problem, problem, type SpecPath } from "./problem.ts";
import { fieldNamesAt } from "./schema-at.ts";

/** Turns what the schema found in `value` into problems with a fix; one per wrong field. */
export function fieldProblems(value: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const found = issues.flatMap((issue) => {
    const path = issue.path.filter((step) => typeof step !== "symbol");
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
    return [wrongValue(value, path, issue)];
  });
  // `nmae:` is one mistake, not an unknown key and a missing one.
  const meant = new Set(
    found.flatMap(({ code, path, fix }) => (code === UNKNOWN_KEY ? [formatPath([...path.slice(0, -1), fix])] : [])),
  );
  return found.filter(({ code, path }) => {
    const fix = typeof path.at(-1) === "string" ? didYouMeanFix(String(path.at(-1))) : "";
    return code !== MISSING || !meant.has(formatPath([...path.slice(0, -1), fix]));
  });
}

const UNKNOWN_KEY = "E_SPEC_UNKNOWN_KEY";
const MISSING = "E_SPEC_MISSING";

function didYouMeanFix(name: string): string {
  return `did you mean \`${name}\`?`;
}

function unknownKey(path: SpecPath, key: string): Problem {
  const names = fieldNamesAt(path);
  const meant = didYouMean(key, names);
  return problem(UNKNOWN_KEY, [...path, key], {
    what: `${formatPath([...path, key])} is not a field of the spec`,
    why: `${path.length === 0 ? "the spec" : formatPath(path)} takes ${names.join(", ")}`,
    fix: meant === undefined ? "remove it" : didYouMeanFix(meant),
  });
}

function wrongValue(value: unknown, path: SpecPath, issue: z.core.$ZodIssue): Problem {
  const name = formatPath(path) || "the spec";
  const got = valueAt(value, path);
  if (got === undefined) {
    return problem(MISSING, path, {
      what: `${name} is missing`,
      why: `it has no default${issue.code === "invalid_type" ? ` and must be ${article(issue.expected)}` : ""}`,
      fix: `add \`${String(path.at(-1) ?? "name")}:\` here`,
    });
  }
  const what = `${name} is ${show(got)}`;
  if (issue.code === "invalid_type") {
    return problem("E_SPEC_TYPE", path, {
      what,
      why: `it must be ${article(issue.expected)}`,
      fix: hintFor(got, issue.expected),
    });
  }
  const choices = choicesOf(issue);
  if (choices.length > 0) {
    const meant = typeof got === "string" ? didYouMean(got, choices) : undefined;
    const why = `it must be one of ${choices.join(", ")}`;
    return problem("E_SPEC_VALUE", path, {
      what,
      why,
      fix: meant ? didYouMeanFix(meant) : "write one of these",
    });
  }
  if (issue.code === "too_small" || issue.code === "too_big") {
    const [sign, limit] =
      issue.code === "too_small"
        ? [issue.inclusive ? "at least" : "more than", issue.minimum]
        : [issue.inclusive ? "at most" : "less than", issue.maximum];
    const unit =
      issue.origin === "string" ? " characters" : issue.origin === "array" ? (limit === 1 ? " entry" : " entries") : "";
    return problem("E_SPEC_VALUE", path, {
      what: unit === "" ? what : `the length of ${name} is ${(got as { length: number }).length}`,
      why: `it must be ${sign} ${limit}${unit}`,
      fix: `change it to ${sign} ${limit}${unit}`,
    });
  }
  const inner = issue.code === "invalid_key" ? issue.issues[0] : undefined;
  if (inner !== undefined) {
    const key = String(path.at(-1));
    if (path.at(-2) === "xids") {
      return problem("E_SPEC_VALUE", path, {
        what: `${name} is not an XID or SXid`,
        why: "NVIDIA numbers its GPU errors from 1, those of NVSwitches from 10000",
        fix: "name a code such as 94 or 20034",
      });
    }
    return problem("E_SPEC_NAME", path, {
      what: `\`${key}\` cannot be a name`,
      why: "it becomes part of Kubernetes names",
      fix: inner.message,
    });
  }
  return problem("E_SPEC_VALUE", path, { what, why: "it has the wrong form", fix: issue.message });
}

function choicesOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  // A discriminated union whose tag is unknown says which tags it knows.
  if (issue.code === "invalid_union" && "options" in issue) return (issue.options as unknown[]).map(String);
  return [];
}

function valueAt(value: unknown, path: SpecPath): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, step)
        ? (at as Record<string, unknown>)[step]
        : undefined,
    value,
  );
}

function show(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  // JSON has no word for these.
  if (typeof value === "number" && !Number.isFinite(value)) return Number.isNaN(value) ? ".nan" : "infinite";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

const TYPE_NAMES: Record<string, string> = {
  object: "a map (`name: value` lines)",
  record: "a map (`name: value` lines)",
  array: "a list (`[x, y]`)",
  int: "a whole number",
  string: "text",
  number: "a number",
  boolean: "true or false",
};

function article(expected: string): string {
  return TYPE_NAMES[expected] ?? `a ${expected}`;
}

function hintFor(got: unknown, expected: string): string {
  if (expected === "string" && typeof got !== "object") return `put it in quotes: "${String(got)}"`;
  if (expected === "array" && typeof got === "string") return `write [${got}]`;
  return `write ${article(expected)} here`;
}
