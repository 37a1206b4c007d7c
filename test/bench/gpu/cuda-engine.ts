import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Where `rank.py` is; a bundle of this file names it. */
const RANK = process.env.BENCH_RANK_SCRIPT ?? fileURLToPath(new URL("./rank.py", import.meta.url));

/** A launcher with SGLang's command line and one rank under it that holds a CUDA context and memory of the GPU. */
export class CudaEngine {
  readonly #launcher: ChildProcess;
  readonly pid: number;

  private constructor(launcher: ChildProcess, pid: number) {
    this.#launcher = launcher;
    this.pid = pid;
  }

  /** Resolves when the rank has its memory. `mark` is part of the launcher's command line; a core goes into `folder`. */
  static async start(mark: string, gib: number, folder: string): Promise<CudaEngine> {
    const script = `
      const { spawn } = require("node:child_process");
      const rank = spawn("/bin/sh", ["-c", 'ulimit -c unlimited; exec python3 "$0" 0 ${gib}', ${JSON.stringify(RANK)}], {
        stdio: "inherit", cwd: ${JSON.stringify(folder)} });
      rank.once("exit", (code, signal) => { console.log("exit " + (signal ?? code)); setInterval(() => {}, 1000); });`;
    const launcher = spawn(
      process.execPath,
      ["-e", script, "--", "-m", "sglang.launch_server", "--served-model-name", mark, "--tp-size", "16"],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const lines = createInterface({ input: launcher.stdout as NodeJS.ReadableStream });
    for await (const line of lines) {
      const pid = /^ready (\d+)$/.exec(line)?.[1];
      if (pid !== undefined) return new CudaEngine(launcher, Number(pid));
      if (line.startsWith("exit ")) break;
    }
    launcher.kill("SIGKILL");
    throw new Error("the rank ended before it was ready: is there a python3 with torch and cupy?");
  }

  /** The rank writes to an address that is not its own: the GPU's MMU stops it, which is XID 31. */
  fault(): void {
    this.#launcher.stdin?.write("fault\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(this.pid, "SIGKILL");
    } catch {}
    if (this.#launcher.exitCode !== null || this.#launcher.signalCode !== null) return;
    const closed = once(this.#launcher, "close");
    this.#launcher.kill("SIGKILL");
    await closed;
  }
}
