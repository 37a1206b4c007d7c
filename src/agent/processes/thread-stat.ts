import { closeSync, openSync, readSync } from "node:fs";

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
/** Longer than any line of `stat`, which has 52 numbers. */
const MAX_BYTES = 1_024;
/** One for all: it is read from before anything else can run. */
const buffer = Buffer.alloc(MAX_BYTES);

/**
 * A process that was killed is over long before it is a zombie: it may have to give back what a driver pinned for it,
 * or write its core, which takes seconds for each GiB (measured: 11.5 s for one; containers may dump by default).
 */
function hasEnded(letter: number, flags: number): boolean {
  return GONE.has(letter) || (flags & (PF_EXITING | PF_SIGNALED)) !== 0;
}

/** `stat` of one thread, held open: it stays with this very process, and reads fail once that is gone, also when its pid is used again. */
export class ThreadStat {
  readonly #fd: number;
  /** The bytes up to its flags as they were read last, and what they said: most of the time they say it again. */
  #before: Buffer = Buffer.alloc(0);
  #said: number | "ended" = "ended";

  /** @throws what the system says where there is no such file */
  constructor(path: string) {
    this.#fd = openSync(path, "r");
  }

  /** Everything; null where the process is gone, or what is there is no such line. */
  read(): ProcStat | null {
    try {
      return parseStat(buffer.toString("latin1", 0, readSync(this.#fd, buffer, 0, MAX_BYTES, 0)));
    } catch {
      return null;
    }
  }

  /**
   * The letter of the state alone, asked for hundreds of times a second: where the bytes that tell it are those of the last
   * time nothing is made of them. `"ended"` when the process is gone or will not run again.
   */
  state(): number | "ended" {
    try {
      const count = readSync(this.#fd, buffer, 0, MAX_BYTES, 0);
      const { length } = this.#before;
      if (length === 0 || this.#before.compare(buffer, 0, length) !== 0) this.#parse(count);
      return this.#said;
    } catch {
      return "ended";
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #parse(count: number): void {
    let at = buffer.lastIndexOf(CLOSING, count - 1) + 2;
    const letter = buffer[at] ?? 0;
    for (let field = 0; field < FLAGS_FIELD; field++) at = buffer.indexOf(SPACE, at) + 1;
    let flags = 0;
    for (let byte = buffer[at] ?? SPACE; byte !== SPACE; byte = buffer[++at] ?? SPACE) flags = flags * 10 + byte - 48;
    // With the space after them: flags that grew by a digit are other bytes.
    this.#before = Buffer.from(buffer.subarray(0, at + 1));
    this.#said = hasEnded(letter, flags) ? "ended" : letter;
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
