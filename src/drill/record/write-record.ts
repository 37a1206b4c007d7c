import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { judgeStream } from "../judge.ts";
import type { DrillOutcome } from "../scenarios/run-drill.ts";
import type { RecordedPass } from "./replay-passes.ts";

/** A drill with what the reconciler added to it. */
export interface RecordedOutcome extends DrillOutcome {
  passes?: readonly RecordedPass[];
}

const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

/**
 * Writes one drill as a folder under `parent`, named by its id, and returns its path. docs/drills.md describes the files.
 * The folder appears whole or not at all.
 */
export async function writeRecord(parent: string, outcome: RecordedOutcome): Promise<string> {
  const { report, evidence, decisions, records, passes = [] } = outcome;
  await mkdir(parent, { recursive: true });
  const folder = join(parent, report.id);
  const aside = `${folder}.${process.pid}.part`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside);
  const streams = records.map((record) => ({ ...record, verdict: judgeStream(record) }));
  await Promise.all([
    writeFile(join(aside, "report.json"), `${JSON.stringify(report, null, 2)}\n`),
    writeFile(join(aside, "evidence.jsonl"), lines(evidence)),
    writeFile(join(aside, "decisions.jsonl"), lines([{ timing: decisions.timing }, ...decisions.decisions])),
    writeFile(join(aside, "streams.jsonl"), lines(streams)),
    ...(passes.length === 0 ? [] : [writeFile(join(aside, "reconciler.jsonl"), lines(passes))]),
  ]);
  // A second drill of one scenario in one second: the later one is kept beside the earlier.
  for (let more = 0; ; more++) {
    const target = more === 0 ? folder : `${folder}-${more}`;
    try {
      await rename(aside, target);
      return target;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    }
  }
}
