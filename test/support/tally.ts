import { readFile } from "node:fs/promises";
import { execa } from "execa";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests?: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

/** Reads Vitest's JSON report. A file that failed to load, or a run that crashed, counts as a failure of its own. */
export async function tallyOf(reportFile: string, exitCode: number): Promise<Tally> {
  const text = await readFile(reportFile, "utf8").catch(() => null);
  if (text === null) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(text) as VitestReport;
  const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const failed = report.numFailedTests + broken.length;
  return {
    passed: report.numPassedTests,
    // Vitest also exits with 1 for an unhandled rejection, which no single test shows.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  };
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = (field: keyof Tally) => tallies.reduce((total, tally) => total + tally[field], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

/** How many tests a project holds, without running them. */
export async function countTests(node: string, vitest: string, project: string): Promise<number> {
  const { stdout } = await execa(node, [vitest, "list", "--project", project, "--json"]);
  return (JSON.parse(stdout) as unknown[]).length;
}
