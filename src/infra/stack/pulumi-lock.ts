import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TandemError } from "../../errors.ts";
import { recordOf } from "../../machines/process-record.ts";
import { backendOf } from "./backend.ts";
import type { StackFiles } from "./stack-files.ts";

/** As Pulumi's file backend writes it (pkg/backend/diy/lock.go). */
interface PulumiLock {
  pid: number;
  username: string;
  hostname: string;
  timestamp: string;
}

/** How long a Pulumi whose `tandem` was killed may take to end what it was doing. */
const ENDING_MS = 30_000;

/**
 * Makes way for an update: Pulumi leaves its lock behind when it is killed. A lock is removed only if it was taken on this
 * computer by a process that does not run any more. One that runs gets half a minute: when `tandem` is killed its Pulumi
 * is told to stop, and first ends what it has begun.
 *
 * @throws TandemError E_PULUMI_LOCK with the process that holds the stack
 */
export async function clearStaleLock(
  stack: string,
  files: StackFiles,
  { say, signal, endingMs = ENDING_MS }: { say: (line: string) => void; signal: AbortSignal; endingMs?: number },
): Promise<void> {
  // Of another backend only Pulumi knows the locks; it names them, and how to take them away.
  if (!backendOf(files).isOurs) return;
  const folder = join(files.backend, ".pulumi", "locks", "organization", "tandem", stack);
  const end = performance.now() + endingMs;
  let told = false;
  for (;;) {
    const held = await heldLock(folder);
    if (held === undefined) return;
    if (held.hostname !== hostname() || performance.now() > end) throw busy(stack, held);
    if (!told) say(`waiting for Pulumi, process ${held.pid}, to end`);
    told = true;
    await delay(200, undefined, { signal });
  }
}

async function heldLock(folder: string): Promise<PulumiLock | undefined> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
  for (const name of names) {
    const text = await readFile(join(folder, name), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const lock = JSON.parse(text) as PulumiLock;
    if (lock.hostname !== hostname() || (await recordOf(lock.pid)) !== undefined) return lock;
    await rm(join(folder, name), { force: true });
    await rm(join(folder, `${name}.attrs`), { force: true });
  }
  return undefined;
}

function busy(stack: string, { pid, hostname: host, username, timestamp }: PulumiLock): TandemError {
  const here = host === hostname();
  return new TandemError({
    code: "E_PULUMI_LOCK",
    what: `stack ${stack} is locked by Pulumi`,
    why: `process ${pid} of ${username} on ${host} has held it since ${timestamp}${here ? ", and runs" : ""}`,
    fix: here
      ? `wait for it, or end it with \`kill -INT ${pid}\`, then run the same command again`
      : `make sure that nothing runs there, then \`pulumi cancel --stack ${stack}\``,
  });
}
