import { formatPath, type LocatedProblem, type Problem } from "../spec/problem.ts";

/**
 * Problems as a person reads them: place, what, the line with a caret, why, fix. `text` is the spec they were found in.
 *
 * stacks/x.yaml:5:27: servers.gpu-b.address is "10.0.0.300"  [E_SPEC_VALUE]
 *     gpu-b: {address: 10.0.0.300}
 *                      ^
 *   why: …
 */
export function formatProblems(problems: readonly LocatedProblem[], text: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  return problems.map((problem) => formatProblem(problem, lines[problem.line - 1] ?? "")).join("\n");
}

function formatProblem({ file, line, column, severity, what, why, fix, code }: LocatedProblem, source: string): string {
  const mark = severity === "warning" ? "warning: " : "";
  const { shown, caretAt } = window(source, column - 1);
  const excerpt = shown.trim() === "" ? "" : `    ${shown}\n    ${" ".repeat(caretAt)}^\n`;
  return `${file}:${line}:${column}: ${mark}${what}  [${code}]\n${excerpt}  why: ${why}\n  fix: ${fix}\n`;
}

/** At most 100 characters of a line around the caret; control characters are shown as spaces. */
function window(source: string, at: number): { shown: string; caretAt: number } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a spec may hold anything, a terminal must not obey it
  const safe = source.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
  const from = at < 90 ? 0 : at - 60;
  return { shown: safe.slice(from, from + 100), caretAt: at - from };
}

/** A warning in one sentence, for a list that quotes no lines. */
export function warningText({ path, what, why, fix }: Problem): string {
  const place = formatPath(path);
  return `${place === "" || what.includes(place) ? "" : `${place}: `}${what}: ${why}; ${fix}`;
}
