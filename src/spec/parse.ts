import { type Draft, toDraft } from "./draft.ts";
import { fieldProblems } from "./field-problems.ts";
import type { LocatedProblem, Problem } from "./problem.ts";
import { type CheckOptions, checkRelations } from "./rules/all.ts";
import { type ClusterSpec, ClusterSpecSchema } from "./schema.ts";
import { readYaml, type YamlText } from "./yaml-text.ts";

const NAMES_ITS_KEY: ReadonlySet<string> = new Set(["E_SPEC_UNKNOWN_KEY", "E_SPEC_NAME", "E_SPEC_NAME_TWICE"]);

export type SpecResult =
  | { ok: true; spec: ClusterSpec; warnings: LocatedProblem[] }
  /** `draft` is what could be understood; `fieldsOk` the spec where only relations between fields are wrong. */
  | { ok: false; problems: LocatedProblem[]; draft: Draft; fieldsOk?: ClusterSpec };

/**
 * Reads a spec. Never throws; every problem comes at once, in the order of the file, each with its line and column.
 * `file` is only quoted. `allowPlaceholder` turns a marked placeholder digest from an error into a warning (plan and
 * render may show such a stack, validate and up refuse it).
 */
export function parseSpec(text: string, file: string, options: CheckOptions = {}): SpecResult {
  const yaml = readYaml(text, file);
  if (yaml.value === undefined) return { ok: false, problems: yaml.problems, draft: {} };
  const parsed = ClusterSpecSchema.safeParse(yaml.value);
  const issues = parsed.success ? [] : parsed.error.issues;
  const draft = parsed.success ? parsed.data : toDraft(yaml.value, issues);
  const found = [...fieldProblems(yaml.value, issues), ...checkRelations(draft, options)];
  const all = inOrder([...yaml.problems, ...found.map((problem) => place(problem, file, yaml))]);
  if (parsed.success && all.every(({ severity }) => severity === "warning")) {
    return { ok: true, spec: parsed.data, warnings: all };
  }
  return { ok: false, problems: all, draft, ...(parsed.success ? { fieldsOk: parsed.data } : {}) };
}

/** The same check for a spec that is not text yet: every problem, without places. */
export function checkSpec(value: unknown, options: CheckOptions = {}): Problem[] {
  const parsed = ClusterSpecSchema.safeParse(value);
  const issues = parsed.success ? [] : parsed.error.issues;
  const draft = parsed.success ? parsed.data : toDraft(value, issues);
  return [...fieldProblems(value, issues), ...checkRelations(draft, options)];
}

/** Gives problems that later steps (the plan) found in a spec their place in its text. */
export function locateProblems(text: string, file: string, problems: readonly Problem[]): LocatedProblem[] {
  const yaml = readYaml(text, file);
  return inOrder(problems.map((found) => place(found, file, yaml)));
}

function place(found: Problem, file: string, { locate }: YamlText): LocatedProblem {
  return { ...found, file, ...locate(found.path, NAMES_ITS_KEY.has(found.code) ? "key" : "value") };
}

/** As they stand in the file. */
export function inOrder(problems: readonly LocatedProblem[]): LocatedProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
