import { cpus, release } from "node:os";
import { execa } from "execa";

/** What a benchmark ran on, for its section of docs/benchmarks.md. */
export function thisMachine(): { cpus: number; model: string; kernel: string } {
  return { cpus: cpus().length, model: cpus()[0]?.model ?? "?", kernel: release() };
}

/** The commit that is measured, short; `?` outside a repository. */
export async function thisCommit(): Promise<string> {
  return (await execa("git", ["rev-parse", "--short", "HEAD"], { reject: false })).stdout || "?";
}
