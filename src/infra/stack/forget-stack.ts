import { execa } from "execa";
import { TandemError } from "../../errors.ts";
import { backendOf, shownUrl } from "./backend.ts";
import type { OpenStack } from "./open-stack.ts";

/**
 * Takes the name of a destroyed stack out of a backend that an operator chose. What is in our own folder goes with that; in
 * another one the name would stay taken, with secrets of a passphrase that is gone.
 *
 * @param force also where resources are left that can only be forgotten
 * @throws TandemError E_BACKEND
 */
export async function forgetStack(
  pulumi: string,
  { name, files, env }: OpenStack,
  { force, signal }: { force: boolean; signal: AbortSignal },
): Promise<void> {
  const backend = backendOf(files);
  if (backend.isOurs) return;
  // In the project beside the state: it also removes the configuration, which in the folder of the project is committed.
  const args = [
    "stack",
    "rm",
    name,
    "--yes",
    "--non-interactive",
    "--cwd",
    files.project,
    ...(force ? ["--force"] : []),
  ];
  const { failed, stderr } = await execa(pulumi, args, { env, reject: false, cancelSignal: signal });
  if (!failed) return;
  signal.throwIfAborted();
  throw new TandemError({
    code: "E_BACKEND",
    what: `stack ${name} is still named in ${shownUrl(backend.url)}`,
    why: `\`pulumi stack rm\` failed: ${stderr.trim().split("\n").at(-1) || "without a word"}`,
    fix: "remove the cause, and run the same command again",
  });
}
