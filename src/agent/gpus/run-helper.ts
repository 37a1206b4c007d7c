import { spawn } from "node:child_process";

export type HelperResult =
  | { kind: "done"; code: number | null; output: string }
  /** It did not answer in time. `gone` resolves when it has ended after all, which may be never. */
  | { kind: "hung"; gone: Promise<void> }
  | { kind: "failed"; why: string };

const MAX_OUTPUT_BYTES = 262_144;

/**
 * Runs a program that may hang for ever: one that asks a wedged driver sits in the kernel, where no signal reaches it.
 * It is given up after the time-out and never waited for.
 */
export function runHelper(command: readonly string[], timeoutMs: number): Promise<HelperResult> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const gone = new Promise<void>((left) => child.once("exit", () => left()).once("error", () => left()));
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        if (output.length < MAX_OUTPUT_BYTES) output += text;
      });
    const giveUp = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve({ kind: "hung", gone });
    }, timeoutMs);
    child.once("error", (error) => {
      clearTimeout(giveUp);
      resolve({ kind: "failed", why: error.message });
    });
    child.once("close", (code) => {
      clearTimeout(giveUp);
      resolve({ kind: "done", code, output });
    });
  });
}
