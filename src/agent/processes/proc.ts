import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface ProcStat {
  state: string;
  parent: number;
  /** Clock ticks since boot: with the pid it names a process for good. */
  startTicks: number;
}

/** `)` after the name, which may hold one itself. */
const CLOSING = 41;

/**
 * Reads of `/proc` that cannot hang. `stat` of a thread and `comm` take no lock of the process's memory; `cmdline` does,
 * and waits for a process that sits in the driver, so it is read on another thread and may never come.
 * `stat` of the thread, not of the process, which adds up the times of all threads: SGLang has hundreds.
 */
export class Proc {
  readonly #root: string;
  readonly #buffer = Buffer.alloc(1_024);

  constructor(root: string) {
    this.#root = root;
  }

  pids(): number[] {
    return readdirSync(this.#root).map(Number).filter(Number.isInteger);
  }

  comm(pid: number): string | null {
    return this.#readNow(join(this.#root, String(pid), "comm"))?.trimEnd() ?? null;
  }

  stat(pid: number): ProcStat | null {
    const fd = this.openStat(pid);
    if (fd === null) return null;
    try {
      return this.readStat(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** A descriptor that stays with this very process: once it is gone reads fail, also when its pid is used again. */
  openStat(pid: number): number | null {
    try {
      return openSync(join(this.#root, String(pid), "task", String(pid), "stat"), "r");
    } catch {
      return null;
    }
  }

  readStat(fd: number): ProcStat | null {
    try {
      const count = readSync(fd, this.#buffer, 0, this.#buffer.length, 0);
      return parseStat(this.#buffer.toString("latin1", 0, count));
    } catch {
      return null;
    }
  }

  /** The state alone, read hundreds of times a second: no text is made of it. Undefined when the process is gone. */
  readState(fd: number): number | undefined {
    try {
      const count = readSync(fd, this.#buffer, 0, this.#buffer.length, 0);
      return this.#buffer[this.#buffer.lastIndexOf(CLOSING, count - 1) + 2];
    } catch {
      return undefined;
    }
  }

  async cmdline(pid: number): Promise<string[]> {
    return (await readFile(join(this.#root, String(pid), "cmdline"), "utf8")).split("\0").filter((part) => part !== "");
  }

  #readNow(path: string): string | null {
    try {
      const fd = openSync(path, "r");
      try {
        return this.#buffer.toString("latin1", 0, readSync(fd, this.#buffer, 0, this.#buffer.length, 0));
      } finally {
        closeSync(fd);
      }
    } catch {
      return null;
    }
  }
}

/** `pid (comm) state ppid …`; comm may hold anything, also `) R 1`. */
export function parseStat(text: string): ProcStat | null {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent = ""] = fields;
  const startTicks = Number(fields[19]);
  return state === "" || !Number.isFinite(startTicks) ? null : { state, parent: Number(parent), startTicks };
}
