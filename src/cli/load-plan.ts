import { readExtraArgs } from "../plan/flags/extra-args.ts";
import { planServing } from "../plan/plan-serving.ts";
import { portProblems } from "../plan/ports.ts";
import type { ServingPlan } from "../plan/serving-plan.ts";
import type { Draft } from "../spec/draft.ts";
import { inOrder, locateProblems, parseSpec } from "../spec/parse.ts";
import type { LocatedProblem, Problem } from "../spec/problem.ts";
import type { CheckOptions } from "../spec/rules/all.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { readSpecFile, SpecError } from "./load-spec.ts";

export interface CheckedSpec {
  text: string;
  /** Errors and warnings in the order of the file; warnings alone where there is a plan. */
  problems: LocatedProblem[];
  plan: ServingPlan | undefined;
}

/**
 * Reads a spec and plans it. What the plan refuses gets its place in the file, and comes together with what the spec's own
 * rules refuse. Throws only if the file is unreadable.
 */
export function checkSpecFile(path: string, options: CheckOptions = {}): CheckedSpec {
  const text = readSpecFile(path);
  const parsed = parseSpec(text, path, options);
  const found = parsed.ok ? parsed.warnings : parsed.problems;
  const spec = parsed.ok ? parsed.spec : parsed.fieldsOk;
  const and = (problems: readonly Problem[]) => inOrder([...found, ...locateProblems(text, path, problems)]);
  // A layout for wrong groups or fields would only repeat the reason in other words; ports and flags stand for themselves.
  if (spec === undefined || found.some(({ severity, path }) => severity === "error" && path[0] === "groups")) {
    return { text, problems: and(parsed.ok ? [] : layoutFreeProblems(parsed.draft)), plan: undefined };
  }
  const planned = planServing(spec);
  if (!planned.ok) return { text, problems: and(planned.problems), plan: undefined };
  return { text, problems: found, plan: parsed.ok ? planned.plan : undefined };
}

/** What the plan refuses without looking at servers or memory. */
function layoutFreeProblems({ engine, network, gateway }: Draft): Problem[] {
  const words = engine?.extraArgs ?? [];
  // With a hole in the list the places of the others would be wrong.
  const args = words.every((word) => word !== undefined) ? (words as string[]) : [];
  const hasPorts = network?.ports?.http !== undefined && network.ports.dist !== undefined;
  // A draft lacks what could not be read; these two read nothing else.
  const ports = hasPorts ? portProblems({ network, gateway } as ClusterSpec) : [];
  return [...readExtraArgs(args).problems, ...ports];
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
