import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stackDir } from "../../machines/home.ts";
import { isRunning, type ProcessRecord, recordOf } from "../../machines/process-record.ts";
import type { Cause } from "./scenario.ts";

/** What a drill is about to do to a cluster, noted before it does it: whoever comes after a crash can undo it. */
export interface DrillIntent {
  scenario: string;
  startedAt: string;
  /** The command that runs the drill. */
  process: ProcessRecord;
  done: { cause: Cause; victim: string }[];
  /** The name of its record in the cluster. */
  record?: string;
}

export function intentFile(stack: string): string {
  return join(stackDir(stack), "drill.json");
}

/** The drill that runs on a stack, or that was killed on it; null if there is none. */
export async function readIntent(stack: string): Promise<{ intent: DrillIntent; runs: boolean } | null> {
  const text = await readFile(intentFile(stack), "utf8").catch(() => "");
  if (text === "") return null;
  const intent = JSON.parse(text) as DrillIntent;
  return { intent, runs: await isRunning(intent.process) };
}

/** Takes the stack for one drill. The caller has seen that there is no other one. */
export async function writeIntent(
  stack: string,
  scenario: string,
  done: DrillIntent["done"],
  record?: string,
): Promise<void> {
  const self = await recordOf(process.pid);
  if (self === undefined) throw new Error("/proc does not list this process");
  const intent: DrillIntent = {
    scenario,
    startedAt: new Date().toISOString(),
    process: self,
    done,
    ...(record && { record }),
  };
  const file = intentFile(stack);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(intent)}\n`);
}

export async function clearIntent(stack: string): Promise<void> {
  await rm(intentFile(stack), { force: true });
}
