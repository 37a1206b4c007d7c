import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, one text each: file and test, and why in a few lines. */
  failures: readonly string[];
}

interface VitestReport {
  numPassedTests: number;
  numPendingTests: number;
  numTodoTests?: number;
  testResults: VitestFile[];
}

interface VitestFile {
  name?: string;
  status: string;
  message?: string;
  assertionResults: { status?: string; fullName?: string; failureMessages?: string[] }[];
}

/** One program that passes or fails as a whole counts as one test; no exit code: a signal ended it. */
export function tallyOfCheck(title: string, exitCode: number | undefined): Tally {
  return exitCode === 0 ? { passed: 1, failed: 0, skipped: 0, failures: [] } : failed(title, exitCode);
}

function failed(title: string, exitCode: number | undefined): Tally {
  const how = exitCode === undefined ? "killed" : `exit ${exitCode}`;
  return { passed: 0, failed: 1, skipped: 0, failures: [`${title} (${how})`] };
}

/** Reads Vitest's JSON report. A file that failed to load, or a run that crashed, counts as a failure of its own. */
export async function tallyOf(project: string, reportFile: string, exitCode: number | undefined): Promise<Tally> {
  const text = await readFile(reportFile, "utf8").catch(() => null);
  if (text === null) return failed(`${project}: wrote no report`, exitCode);
  const report = JSON.parse(text) as VitestReport;
  const failures = report.testResults.flatMap(failuresOf);
  // Vitest also exits with 1 for an unhandled rejection, which no single test shows.
  if (failures.length === 0 && exitCode !== 0) failures.push(`${project}: an error outside of any test, see above`);
  return {
    passed: report.numPassedTests,
    failed: failures.length,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
    failures,
  };
}

function failuresOf({ name = "", status, message = "", assertionResults }: VitestFile): string[] {
  const file = relative(process.cwd(), name);
  if (status === "failed" && assertionResults.length === 0) return [`${file}: ${why(message)}`];
  return assertionResults
    .filter((test) => test.status === "failed")
    .map(({ fullName, failureMessages = [] }) => `${file}: ${fullName}: ${why(failureMessages[0] ?? "")}`);
}

/** A process that ended says why at the end of what it printed, so the last lines are shown as well as the first. */
const LAST_LINES = 6;

/** What an error says, without its stack. */
function why(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split(/\n\s+at /, 1)
    .flatMap((message) => message.trimEnd().split("\n"));
  const shown = lines.length > LAST_LINES + 1 ? [lines[0], "…", ...lines.slice(-LAST_LINES)] : lines;
  return shown.join("\n  ");
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = (field: "passed" | "failed" | "skipped") => tallies.reduce((total, tally) => total + tally[field], 0);
  return {
    passed: sum("passed"),
    failed: sum("failed"),
    skipped: sum("skipped"),
    failures: tallies.flatMap(({ failures }) => failures),
  };
}

/** How many tests a project holds, without running them. */
export async function countTests(node: string, vitest: string, project: string): Promise<number> {
  const { stdout } = await execa(node, [vitest, "list", "--project", project, "--json"]);
  return (JSON.parse(stdout) as unknown[]).length;
}
