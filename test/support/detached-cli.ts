import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

export interface DetachedRun {
  /** Emits `said` when it has written to stdout. */
  child: ChildProcessByStdio<null, Readable, Readable>;
  said: { out: string; err: string };
  ended: Promise<[number | null, NodeJS.Signals | null]>;
}

/** `tandem` in a group of processes of its own, as a shell gives it one; `folder` is its TMPDIR, which only its processes know. */
export class DetachedCli {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(folder: string, env: Readonly<Record<string, string>> = {}) {
    this.#folder = folder;
    this.#env = env;
  }

  start(args: readonly string[]): DetachedRun {
    const child = spawn(process.execPath, ["src/cli/main.ts", ...args], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: this.#folder, ...this.#env },
    });
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      said.out += text;
      child.emit("said");
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said.err += text;
    });
    return { child, said, ended: once(child, "close") as DetachedRun["ended"] };
  }

  /** Command lines of processes that are still there, and files that were left. */
  leftovers(): string[] {
    const found = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap((pid) => {
        try {
          const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
          return environment.includes(this.#folder) ? [readFileSync(`/proc/${pid}/cmdline`, "latin1")] : [];
        } catch {
          return [];
        }
      });
    return [...found, ...readdirSync(this.#folder)];
  }

  async nothingIsLeft(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (this.leftovers().length > 0 && Date.now() < deadline) await sleep(50);
    expect(this.leftovers()).toEqual([]);
  }
}
