import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

const ESCAPE = String.fromCharCode(27);
export const ENTER = `${ESCAPE}[?1049h${ESCAPE}[?25l`;
export const LEAVE = `${ESCAPE}[?25h${ESCAPE}[?1049l`;
const SEQUENCES = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, "g");
const FRAME = new RegExp(`${ESCAPE}\\[H([^]*?)${ESCAPE}\\[J`, "g");

/** Whether there is util-linux' `script`, which Debian calls essential; others have one that is called otherwise. */
export const hasTerminals = (): boolean =>
  /util-linux/.test(spawnSync("script", ["--version"]).stdout?.toString() ?? "");

/**
 * A command on a terminal of its own, as a person at a shell has one. Around it the shell says how the terminal is set
 * (`stty -g`), and in the end how the command ended.
 */
export class Terminal {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** All that was written to the terminal. */
  written = "";
  readonly #closed: Promise<unknown>;

  constructor(
    command: readonly string[],
    { rows, columns }: { rows: number; columns: number },
    env: NodeJS.ProcessEnv,
  ) {
    const quoted = command.map((word) => `'${word}'`).join(" ");
    const shell = `stty rows ${rows} cols ${columns}; tty; stty -g; ${quoted}; echo "ended $?"; stty -g`;
    this.child = spawn("script", ["-qefc", shell, "/dev/null"], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env, SHELL: "/bin/sh", TERM: "xterm-256color" },
    });
    this.#closed = once(this.child, "close");
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.written += text;
      });
  }

  /** The last whole picture, line by line, without colours. */
  get lines(): string[] {
    const last = [...this.written.matchAll(FRAME)].at(-1)?.[1] ?? "";
    return last.replaceAll(SEQUENCES, "").split(/\r*\n/);
  }

  type(text: string): void {
    this.child.stdin.write(text);
  }

  /** As whoever drags the corner of its window: the programs on it get SIGWINCH. */
  resize(rows: number, columns: number): void {
    const { status, stderr } = spawnSync("stty", [
      ...["-F", this.#said()[0] ?? ""],
      ...["rows", String(rows), "cols", String(columns)],
    ]);
    if (status !== 0) throw new Error(stderr.toString());
  }

  async until(what: string, check: () => boolean, withinMs = 30_000): Promise<void> {
    for (const endMs = performance.now() + withinMs; !check(); await delay(20))
      if (performance.now() > endMs || this.child.exitCode !== null)
        throw new Error(`${what}: not seen; the terminal shows\n${this.lines.join("\n") || this.written}`);
  }

  /** How the command ended, how the terminal was set before and is after it, and what stood there after the picture. */
  async ended(): Promise<{ code: string; before: string; after: string; rest: string }> {
    await this.#closed;
    const rest = this.written.slice(this.written.lastIndexOf(LEAVE) + LEAVE.length);
    const [, before = ""] = this.#said();
    const [, code = "", after = ""] = /ended (\d+)\r\n(.*)\r\n/.exec(this.written) ?? [];
    return { code, before, after, rest };
  }

  /** The window is closed. */
  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.#closed;
  }

  #said(): string[] {
    return this.written.split("\r\n");
  }
}
