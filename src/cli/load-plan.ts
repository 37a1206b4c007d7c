import { planServing } from "../plan/plan-serving.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import { locateProblems, parseSpec } from "../spec/parse.ts";
import type { LocatedProblem } from "../spec/problem.ts";
import type { CheckOptions } from "../spec/rules/all.ts";
import { readSpecFile, SpecError } from "./load-spec.ts";

export interface CheckedSpec {
  text: string;
  /** Errors and warnings in the order of the file; warnings alone where there is a plan. */
  problems: LocatedProblem[];
  plan: ServingPlan | undefined;
}

/** Reads a spec and plans it. What the plan refuses gets its place in the file too. Throws only if the file is unreadable. */
export function checkSpecFile(path: string, options: CheckOptions = {}): CheckedSpec {
  const text = readSpecFile(path);
  const parsed = parseSpec(text, path, options);
  if (!parsed.ok) return { text, problems: parsed.problems, plan: undefined };
  const planned = planServing(parsed.spec);
  if (planned.ok) return { text, problems: parsed.warnings, plan: planned.plan };
  const problems = locateProblems(text, path, planned.problems);
  return { text, problems: [...problems, ...parsed.warnings], plan: undefined };
}

/** Reads a spec and plans it, for every command that needs the plan. Throws SpecError with all problems. */
export function loadPlan(
  path: string,
  options: CheckOptions = {},
): { plan: ServingPlan; warnings: LocatedProblem[]; text: string } {
  const { text, problems, plan } = checkSpecFile(path, options);
  if (plan === undefined) throw new SpecError(path, text, problems);
  return { plan, warnings: problems, text };
}
