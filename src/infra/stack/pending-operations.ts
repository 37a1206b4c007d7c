import { rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { OpenStack } from "./open-stack.ts";
import { countPending } from "./stack-state.ts";

/**
 * Forgets operations that a killed Pulumi had begun. Nothing is lost: each create of ours adopts what it finds half made,
 * and a resource whose update or delete was cut off is still in the state. Pulumi itself would warn about them for ever.
 * An import is its documented way to drop them.
 */
export async function clearPending(pulumi: string, stack: OpenStack, signal: AbortSignal): Promise<void> {
  if ((await countPending(stack.name)) === 0) return;
  const file = join(stack.files.dir, "state-export.json");
  const run = (verb: string) =>
    execa(pulumi, ["stack", verb, "--file", file, "--stack", stack.name, "--non-interactive"], {
      cwd: stack.files.project,
      env: stack.env,
      cancelSignal: signal,
    });
  try {
    await run("export");
    await run("import");
  } finally {
    await rm(file, { force: true });
  }
}
