import { chmod, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { stackDir } from "../../machines/home.ts";
import { withLock } from "../../machines/lock.ts";

/** The lock of `tandem` commands, in the stack's folder. */
export const LOCK = "command.lock";
/** Long enough to take over the lock of a command that is dead, short enough to be an answer. */
const TRY_MS = 1_000;

/**
 * Runs work as the only `tandem` command that changes a stack. A second one is refused at once: it would not know which
 * spec the first one read.
 *
 * @throws TandemError E_STACK_BUSY with the process that holds the stack
 */
export async function withStackLock<Result>(stack: string, work: () => Promise<Result>): Promise<Result> {
  const path = join(stackDir(stack), LOCK);
  let began = false;
  const limit = AbortSignal.timeout(TRY_MS);
  try {
    return await withLock(path, limit, async () => {
      began = true;
      // The lock comes first, and makes the folder as the umask wants it.
      await chmod(stackDir(stack), 0o700);
      return work();
    });
  } catch (error) {
    if (began || !limit.aborted) throw error;
    const { pid = 0 } = JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as { pid?: number };
    throw new TandemError({
      code: "E_STACK_BUSY",
      what: `stack ${stack} is being changed by another command`,
      why: `process ${pid} holds ${path} and runs`,
      fix: `wait until it is done (or end it with Ctrl-C or \`kill ${pid}\`), then run the same command again`,
      cause: error,
    });
  }
}

/**
 * Runs work in the same way and then removes the stack's folder. All but the lock goes before the lock is given back: a command
 * that has waited for it would lose what it has made since, the passphrase of its state first.
 *
 * @throws TandemError E_STACK_BUSY
 */
export async function withLastStackLock(stack: string, work: () => Promise<void>): Promise<void> {
  const folder = stackDir(stack);
  await withStackLock(stack, async () => {
    await work();
    const names = (await readdir(folder)).filter((name) => name !== LOCK);
    for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  });
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    // The next command has it already.
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
  });
}
