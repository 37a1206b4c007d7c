import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { OpenStack } from "./open-stack.ts";

/** The folder with Pulumi.yaml. */
export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/**
 * Runs the Pulumi CLI on a stack, as the operator would. Its output is ours. Ctrl-C reaches it as it reaches us; when we
 * are killed the kernel sends it the same signal, so that it ends its operations and gives its lock back.
 */
export async function runPulumi(pulumi: string, stack: OpenStack, args: readonly string[]): Promise<number> {
  const words = [...args, "--stack", stack.name, "--config-file", stack.files.config, "--non-interactive"];
  const { exitCode } = await execa("setpriv", ["--pdeathsig", "INT", pulumi, ...words], {
    cwd: projectRoot,
    env: stack.env,
    stdio: ["ignore", "inherit", "inherit"],
    reject: false,
  });
  return exitCode ?? 1;
}
