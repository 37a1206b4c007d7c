import { readFile } from "node:fs/promises";

/** Names one process for ever: a pid alone may belong to somebody else later. */
export interface ProcessRecord {
  pid: number;
  /** Start time in clock ticks since boot, field 22 of /proc/<pid>/stat. */
  startTicks: string;
}

/** The record of a running process, or `undefined` when there is none (a zombie counts as none). */
export async function recordOf(pid: number): Promise<ProcessRecord | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the command in brackets and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[19]];
  return startTicks === undefined || state === "Z" || state === "X" ? undefined : { pid, startTicks };
}

/** Whether exactly this process still runs. */
export async function isRunning(record: ProcessRecord): Promise<boolean> {
  return (await recordOf(record.pid))?.startTicks === record.startTicks;
}
