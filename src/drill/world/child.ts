import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { TandemError } from "../../errors.ts";
import { entryPath } from "../../machines/entry-path.ts";
import { compiledDir } from "../../machines/home.ts";
import { isGroupLeft } from "./process-groups.ts";

export interface ChildOptions {
  /** For messages: `engine of gpu-a`. */
  name: string;
  script: string;
  args?: readonly string[];
  env?: Record<string, string>;
  /** Called for each line that it prints. */
  onLine?(line: string): void;
}

/** Last characters of its output that a failure shows. */
const OUTPUT_CHARS = 20_000;
const SHOWN_LINES = 12;
/** A gateway's line about a failover has all that it looked at; its beginning says what happened. */
const SHOWN_LINE_CHARS = 300;
const FLUSH = entryPath(new URL("./flush-compile-cache.ts", import.meta.url));
const START_TIMEOUT_MS = 30_000;

/** One process of the rehearsal, in a process group of its own, with what it printed. */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  #output = "";
  #over = false;
  /** Nothing of its process group is left: its number may be another's now. */
  #gone = false;

  constructor({ name, script, args = [], env = {}, onLine }: ChildOptions) {
    this.name = name;
    this.#child = spawn(process.execPath, ["--import", FLUSH, script, ...args], {
      // A group of its own: an engine may kill its group, and Ctrl-C must reach the rehearsal alone.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, NODE_COMPILE_CACHE: compiledDir(), ...env },
    });
    this.pid = this.#child.pid ?? -1;
    this.exited = new Promise((resolve) => {
      const end = () => {
        this.#over = true;
        this.#gone = !isGroupLeft(this.pid);
        this.#child.emit("output");
        resolve();
      };
      this.#child.once("exit", end).once("error", end);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      let rest = "";
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARS);
        this.#child.emit("output");
        if (onLine === undefined) return;
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine(line);
      });
    }
  }

  get alive(): boolean {
    return !this.#over;
  }

  /** What it printed last. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when it has printed `text`; throws E_REHEARSAL_START when it ends or stays silent for too long. */
  async printed(text: string, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    while (!this.#output.includes(text)) {
      if (this.#over) throw this.#failure("it ended");
      await once(this.#child, "output", { signal }).catch(() => {
        throw this.#failure(`it said nothing of the kind for ${timeoutMs / 1000} s`);
      });
    }
  }

  /** Sends a signal to it and to all that it started. False if nothing is left of them. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.#gone || this.pid <= 0) return false;
    try {
      return process.kill(-this.pid, signal);
    } catch {
      this.#gone = this.#over;
      return false;
    }
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  #failure(why: string): TandemError {
    const lines = this.#output.trimEnd().split("\n").slice(-SHOWN_LINES);
    return new TandemError({
      code: "E_REHEARSAL_START",
      what: `the ${this.name} did not start`,
      why: `${why}; its last words:\n${lines.map((line) => `    ${line.slice(0, SHOWN_LINE_CHARS)}`).join("\n")}`,
      fix: "run it again; if it happens twice, report it with these lines",
    });
  }
}
