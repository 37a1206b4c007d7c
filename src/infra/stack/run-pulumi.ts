import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { onSignals } from "../../signals.ts";
import type { OpenStack } from "./open-stack.ts";

/** The folder with Pulumi.yaml. */
export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/**
 * Runs the Pulumi CLI on a stack, as the operator would. Its output is ours. It has a process group of its own and gets
 * each Ctrl-C from us, once: from the terminal as well it would take one for two, and two mean "drop everything". When we
 * are killed the kernel sends it the signal, so that it ends its operations and gives its lock back.
 */
export async function runPulumi(pulumi: string, stack: OpenStack, args: readonly string[]): Promise<number> {
  const words = [...args, "--stack", stack.name, "--config-file", stack.files.config, "--non-interactive"];
  const child = execa("setpriv", ["--pdeathsig", "INT", pulumi, ...words], {
    cwd: projectRoot,
    env: stack.env,
    stdio: ["ignore", "inherit", "inherit"],
    reject: false,
    detached: true,
  });
  const off = onSignals(() => child.kill("SIGINT"));
  try {
    return (await child).exitCode ?? 1;
  } finally {
    off();
  }
}
