import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TandemError } from "../errors.ts";
import { isRunning, type ProcessRecord, recordOf } from "./process-record.ts";

/**
 * Runs `work` while holding a lock file, so that two commands do not start two daemons or build one image twice.
 * A lock whose owner no longer runs is taken over: a killed command must not block the next one.
 *
 * @throws TandemError E_NEEDS_LINUX
 */
export async function withLock<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const self = await recordOf(process.pid);
  if (!self) throw withoutProc();
  const mine = JSON.stringify(self);
  while (!(await take(path, mine))) {
    signal?.throwIfAborted();
    await clearIfDead(path);
    await delay(100, undefined, signal ? { signal } : {});
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** Without /proc nothing tells a command that is dead from one that works, and two of them would share a cluster. */
function withoutProc(): TandemError {
  const here = process.platform === "linux" ? "/proc is not mounted here" : `this is ${process.platform}`;
  return new TandemError({
    code: "E_NEEDS_LINUX",
    what: "this command works on Linux alone",
    why: `it tells commands that run from those that were killed by /proc, and ${here}`,
    fix:
      "run it on Linux, which may be a virtual machine or a server; `tandem plan`, `render`, `validate` and `rehearse` work here, " +
      "and with --kubeconfig so do `status`, `switchover` and `failover` of a stack that was made elsewhere",
  });
}

/** Whether a running process holds a lock: for saying that one waits, never for deciding whether to. */
export async function isHeld(path: string): Promise<boolean> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text !== "" && isRunning(JSON.parse(text) as ProcessRecord);
}

async function take(path: string, mine: string): Promise<boolean> {
  // Each time: whoever held the lock may have taken the folder away with all that it guards.
  await mkdir(dirname(path), { recursive: true });
  // Linked under its name when complete: exclusive as `wx` is, and never half written.
  const aside = `${path}.${randomUUID()}`;
  try {
    await writeFile(aside, mine);
    await link(aside, path);
    return true;
  } catch (error) {
    if (/^(EEXIST|ENOENT)$/.test((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function clearIfDead(path: string): Promise<void> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text === "" || (await isRunning(JSON.parse(text) as ProcessRecord))) return;
  // Renaming is atomic: of two waiters that both see the dead owner, one removes the lock and the other finds none.
  const aside = `${path}.${process.pid}.stale`;
  await rename(path, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => "");
  // Somebody may have taken the lock between our read and our rename: give it back.
  if (moved !== "" && moved !== text) await rename(aside, path);
  else await rm(aside, { force: true });
}
