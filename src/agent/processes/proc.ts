import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface ProcStat {
  state: string;
  /** It will not run another instruction of its own, though it may stay for long: see {@link hasEnded}. */
  ended: boolean;
  parent: number;
  /** Clock ticks since boot: with the pid it names a process for good. */
  startTicks: number;
}

/** `)` after the name, which may hold one itself. */
const CLOSING = 41;
const SPACE = 32;
/** `flags` is the seventh field after the name (proc_pid_stat(5), field 9). */
const FLAGS_FIELD = 6;
/** Bits of `include/linux/sched.h`: on its way out; killed by a signal. */
const PF_EXITING = 0x4;
const PF_SIGNALED = 0x400;
const GONE = new Set([..."ZXx"].map((letter) => letter.charCodeAt(0)));

/**
 * A process that was killed is over long before it is a zombie: it may have to give back what a driver pinned for it,
 * or write its core, which takes seconds for each GiB (measured: 11.5 s for one; containers may dump by default).
 */
function hasEnded(letter: number, flags: number): boolean {
  return GONE.has(letter) || (flags & (PF_EXITING | PF_SIGNALED)) !== 0;
}

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

  /**
   * The letter of the state alone, read hundreds of times a second: no text is made of it. `"ended"` when the process
   * is gone or will not run again.
   */
  readState(fd: number): number | "ended" {
    try {
      const count = readSync(fd, this.#buffer, 0, this.#buffer.length, 0);
      let at = this.#buffer.lastIndexOf(CLOSING, count - 1) + 2;
      const letter = this.#buffer[at] ?? 0;
      for (let field = 0; field < FLAGS_FIELD; field++) at = this.#buffer.indexOf(SPACE, at) + 1;
      let flags = 0;
      for (let byte = this.#buffer[at] ?? SPACE; byte !== SPACE; byte = this.#buffer[++at] ?? SPACE)
        flags = flags * 10 + byte - 48;
      return hasEnded(letter, flags) ? "ended" : letter;
    } catch {
      return "ended";
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
  if (state === "" || !Number.isFinite(startTicks)) return null;
  const ended = hasEnded(state.charCodeAt(0), Number(fields[FLAGS_FIELD]));
  return { state, ended, parent: Number(parent), startTicks };
}
