import { readFileSync } from "node:fs";
import { TandemError } from "../errors.ts";
import { formatProblems } from "../report/problems.ts";
import { parseSpec } from "../spec/parse.ts";
import type { LocatedProblem } from "../spec/problem.ts";
import type { CheckOptions } from "../spec/rules/all.ts";
import type { ClusterSpec } from "../spec/schema.ts";

/** A spec that cannot be used; the message and the JSON form list every problem with its place. */
export class SpecError extends TandemError {
  readonly problems: readonly LocatedProblem[];

  constructor(file: string, text: string, problems: readonly LocatedProblem[], fix?: string) {
    const errors = problems.filter(({ severity }) => severity === "error").length;
    super({
      code: "E_SPEC",
      what: `${file} has ${errors} ${errors === 1 ? "error" : "errors"}`,
      why: `\n${formatProblems(problems, text)}`,
      fix: fix ?? `correct the file and run \`tandem validate ${file}\``,
    });
    this.problems = problems;
  }

  override toJSON() {
    return { ...super.toJSON(), why: "see problems", problems: this.problems };
  }
}

/** The text of a spec file. Throws E_SPEC_FILE where there is none. */
export function readSpecFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code;
    throw new TandemError({
      code: "E_SPEC_FILE",
      what: `cannot read the spec ${path}`,
      why: reason === "ENOENT" ? "there is no such file" : `the system says ${reason}`,
      fix: "give the path of a spec, e.g. stacks/local.yaml, or write one with `tandem init`",
      cause,
    });
  }
}

/** Reads and checks a spec and keeps its warnings. Throws SpecError with every problem. */
export function loadSpecWithWarnings(
  path: string,
  options: CheckOptions = {},
): { spec: ClusterSpec; warnings: LocatedProblem[]; text: string } {
  const text = readSpecFile(path);
  const result = parseSpec(text, path, options);
  if (!result.ok) throw new SpecError(path, text, result.problems);
  return { spec: result.spec, warnings: result.warnings, text };
}

/**
 * Reads and checks a spec. `plan` and `render` pass `{allowPlaceholder: true}`: they may show a stack whose image digest
 * is still the marked placeholder; whatever changes servers must not.
 */
export function loadSpec(path: string, options: CheckOptions = {}): ClusterSpec {
  return loadSpecWithWarnings(path, options).spec;
}
