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
  return writeFiles(join(parent, report.id), {
    "report.json": [report],
    "evidence.jsonl": evidence,
    "decisions.jsonl": [{ timing: decisions.timing }, ...decisions.decisions],
    "streams.jsonl": records.map((record) => ({ ...record, verdict: judgeStream(record) })),
    "reconciler.jsonl": passes,
  });
}

/** Files of lines of JSON, but for `report.json`, which people read; an empty one of the reconciler's is left out. */
export async function writeFiles(folder: string, files: Record<string, readonly unknown[]>): Promise<string> {
  const aside = `${folder}.${process.pid}.part`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside);
  for (const [name, values] of Object.entries(files)) {
    if (name === "reconciler.jsonl" && values.length === 0) continue;
    const text = name.endsWith(".json") ? `${JSON.stringify(values[0], null, 2)}\n` : lines(values);
    await writeFile(join(aside, name), text);
  }
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
