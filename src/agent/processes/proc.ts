import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type ProcStat, ThreadStat } from "./thread-stat.ts";

/**
 * Reads of `/proc` that cannot hang. `stat` of a thread and `comm` take no lock of the process's memory; `cmdline` does,
 * and waits for a process that sits in the driver, so it is read on another thread and may never come.
 * `stat` of the thread, not of the process, which adds up the times of all threads: SGLang has hundreds.
 */
export class Proc {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  pids(): number[] {
    const pids: number[] = [];
    for (const name of readdirSync(this.#root)) {
      const pid = Number(name);
      if (Number.isInteger(pid)) pids.push(pid);
    }
    return pids;
  }

  /** As text and in one go: opened, read and closed without a word of JavaScript in between, a few dozen times a second. */
  comm(pid: number): string | null {
    try {
      return readFileSync(`${this.#root}/${pid}/comm`, "utf8").trimEnd();
    } catch {
      return null;
    }
  }

  stat(pid: number): ProcStat | null {
    const open = this.openStat(pid);
    if (open === null) return null;
    try {
      return open.read();
    } finally {
      open.close();
    }
  }

  openStat(pid: number): ThreadStat | null {
    try {
      return new ThreadStat(`${this.#root}/${pid}/task/${pid}/stat`);
    } catch {
      return null;
    }
  }

  async cmdline(pid: number): Promise<string[]> {
    return (await readFile(`${this.#root}/${pid}/cmdline`, "utf8")).split("\0").filter((part) => part !== "");
  }
}
