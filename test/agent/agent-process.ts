import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Evidence } from "../../src/health/evidence.ts";
import { compiledDir } from "../../src/machines/home.ts";
import type { EvidenceFrame, Frame, HelloFrame } from "../../src/stream/frames.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import type { Subscription } from "../../src/stream/subscription.ts";

const MAIN = fileURLToPath(new URL("../../src/agent/main.ts", import.meta.url));
const FLUSH = fileURLToPath(new URL("../../src/drill/world/flush-compile-cache.ts", import.meta.url));
const RANK_SCRIPT = fileURLToPath(new URL("../../src/emulator/engine/rank.sh", import.meta.url));
export const TOKEN = "a-token-of-the-tests";

/** A folder that stands for a server: its kernel log, and whatever a test puts beside it. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), "agent-test-"));
  readonly kmsg = join(this.folder, "kmsg");
  #sequence = 0;

  constructor() {
    writeFileSync(this.kmsg, "");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Appends a record of the kernel log; priority 3 is an error of the kernel itself. */
  log(text: string, priority = 3): void {
    appendFileSync(this.kmsg, `${priority},${++this.#sequence},${Math.floor(performance.now() * 1000)},-;${text}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A real agent: its own process on 127.0.0.1, at a port of its choice. */
export class AgentProcess {
  readonly child: ChildProcess;
  output = "";
  url = "";

  /** `words`: what Node runs, flags and file; by default the sources. */
  constructor(
    machine: Machine,
    env: Record<string, string> = {},
    words: readonly string[] = ["--import", FLUSH, MAIN],
  ) {
    this.child = spawn(process.execPath, words, {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        ...(process.env.LD_LIBRARY_PATH ? { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH } : {}),
        NODE_COMPILE_CACHE: compiledDir(),
        AGENT_SERVER: "gpu-a",
        AGENT_HOST: "127.0.0.1",
        AGENT_PORT: "0",
        ...(env.AGENT_TOKEN_FILE === undefined ? { AGENT_TOKEN: TOKEN } : {}),
        AGENT_KERNEL_LOG: machine.kmsg,
        AGENT_PROC: "off",
        AGENT_NVIDIA_SMI: "off",
        AGENT_SYS: "off",
        ...env,
      },
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
  }

  async listening(): Promise<this> {
    for (;;) {
      const port = /"port":(\d+),"msg":"listening"/.exec(this.output)?.[1];
      if (port !== undefined) {
        this.url = `http://127.0.0.1:${port}`;
        return this;
      }
      if (this.child.exitCode !== null) throw new Error(`the agent ended:\n${this.output}`);
      await Promise.race([once(this.child.stdout ?? this.child, "data"), once(this.child, "close")]);
    }
  }

  get port(): string {
    return new URL(this.url).port;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const closed = once(this.child, "close");
    this.child.kill(signal);
    await closed;
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

/** Everything one subscriber heard, with ways to wait for it. */
export class Listener {
  readonly frames: { frame: Frame; atMs: number }[] = [];
  readonly connections: string[] = [];
  readonly #subscription: Subscription;
  #wake: () => void = () => {};

  constructor(url: string, token = TOKEN) {
    this.#subscription = subscribe({
      server: "gpu-a",
      url,
      token,
      onFrame: (frame, atMs) => {
        this.frames.push({ frame, atMs });
        this.#wake();
      },
      onConnection: (state, reason) => {
        this.connections.push(`${state}: ${reason}`);
        this.#wake();
      },
    });
  }

  get hellos(): HelloFrame[] {
    return this.frames.flatMap(({ frame }) => (frame.type === "hello" ? [frame] : []));
  }

  get evidence(): EvidenceFrame[] {
    return this.frames.flatMap(({ frame }) => (frame.type === "evidence" ? [frame] : []));
  }

  /** Resolves with the first value that is neither null, undefined nor false; looks after each thing heard. */
  async until<T>(find: () => T | null | undefined | false, what: string, limitMs = 10_000): Promise<T> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const found = find();
      if (found !== null && found !== undefined && found !== false) return found;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0)
        throw new Error(`not heard in ${limitMs} ms: ${what}\n${JSON.stringify(this.evidence.slice(-20))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(leftMs, 500));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The first piece of evidence that looks like this, with the time of its arrival. */
  heard(wanted: Partial<Record<string, unknown>>, limitMs?: number): Promise<{ evidence: Evidence; atMs: number }> {
    const fits = (evidence: Evidence) =>
      Object.entries(wanted).every(([key, value]) => (evidence as unknown as Record<string, unknown>)[key] === value);
    return this.until(
      () => {
        const hit = this.frames.find(({ frame }) => frame.type === "evidence" && fits(frame.evidence));
        return hit && { evidence: (hit.frame as EvidenceFrame).evidence, atMs: hit.atMs };
      },
      JSON.stringify(wanted),
      limitMs,
    );
  }

  close(): void {
    this.#subscription.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A launcher with the command line of SGLang, and under it one shell a rank with SGLang's title, as the emulator has them. */
export class FakeEngine {
  readonly launcher: ChildProcess;
  readonly ranks: { rank: number; pid: number }[] = [];

  private constructor(launcher: ChildProcess) {
    this.launcher = launcher;
  }

  /** `mark` goes into the command line, so that an agent of one test does not see the engines of another. */
  static async start(ranks: readonly number[], mark: string, args: readonly string[] = []): Promise<FakeEngine> {
    const script = `
      const { spawn } = require("node:child_process");
      const kids = new Map();
      const start = (rank) => {
        const title = "sglang::scheduler_TP" + rank;
        const kid = spawn("/bin/sh", [${JSON.stringify(RANK_SCRIPT)}], {
          argv0: title, env: { RANK_COMM: title.slice(0, 15) }, stdio: ["pipe", "ignore", "ignore"] });
        kids.set(rank, kid);
        console.log(rank + " " + kid.pid);
      };
      ${JSON.stringify(ranks)}.forEach(start);
      require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => start(Number(line)))
        .on("close", () => process.exit());`;
    const launcher = spawn(
      process.execPath,
      ["-e", script, "--", "-m", "sglang.launch_server", "--served-model-name", mark, "--tp-size", "16", ...args],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const engine = new FakeEngine(launcher);
    launcher.stdout?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.trim().split("\n")) {
        const [rank, pid] = line.split(" ").map(Number);
        engine.ranks.push({ rank: rank ?? -1, pid: pid ?? -1 });
      }
      launcher.emit("ranks");
    });
    while (engine.ranks.length < ranks.length) await once(launcher, "ranks");
    return engine;
  }

  /** Starts one more rank and resolves with its process id. */
  async startRank(rank: number): Promise<number> {
    const before = this.ranks.length;
    this.launcher.stdin?.write(`${rank}\n`);
    while (this.ranks.length === before) await once(this.launcher, "ranks");
    return this.ranks.at(-1)?.pid ?? -1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.ranks)
      try {
        process.kill(pid, "SIGKILL");
      } catch {}
    if (this.launcher.exitCode !== null || this.launcher.signalCode !== null) return;
    const closed = once(this.launcher, "close");
    this.launcher.kill("SIGKILL");
    await closed;
  }
}
