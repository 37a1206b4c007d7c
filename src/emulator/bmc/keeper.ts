import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TandemError } from "../../errors.ts";
import { entryPath } from "../../machines/entry-path.ts";
import { compiledDir, stackDir } from "../../machines/home.ts";
import { isRunning, type ProcessRecord } from "../../machines/process-record.ts";
import { replaceFile } from "../../machines/replace-file.ts";

/** The one that a URL without a port means, as the spec gives an address alone. */
export const BMC_PORT = 443;
const ANSWER_WITHIN_MS = 1000;
const READY_WITHIN_MS = 20_000;
const END_WITHIN_MS = 5000;

/** What the process of a stack's BMCs reads, and where it says which process it is. */
export function bmcFiles(dir: string): { servers: string; process: string } {
  return { servers: join(dir, "bmcs.json"), process: join(dir, "bmc-process.json") };
}

/**
 * Has one process serve the BMCs of a local stack, whose machines have a network by now; it outlives this one. What runs already
 * as it should is left alone.
 *
 * @param bmcs address by server; none ends the process that is there
 * @throws TandemError E_BMC_START with what keeps it from serving
 */
export async function ensureBmcs(stack: string, bmcs: Readonly<Record<string, string>>): Promise<void> {
  const files = bmcFiles(stackDir(stack));
  const wanted = JSON.stringify(bmcs);
  const present = (await readFile(files.servers, "utf8").catch(() => "")) === wanted;
  if (present && (await runningRecord(stack)) !== undefined && (await answer(Object.values(bmcs)))) return;
  await endBmcs(stack);
  if (Object.keys(bmcs).length === 0) return;
  await mkdir(stackDir(stack), { recursive: true, mode: 0o700 });
  await replaceFile(files.servers, wanted, 0o600);
  const reason = await start(stack);
  if (reason === null) return;
  await endBmcs(stack);
  throw new TandemError({
    code: "E_BMC_START",
    what: `the emulated BMCs of ${stack} do not serve`,
    why: reason,
    fix: "see that nothing else has their addresses or their port, then run `tandem up` again",
  });
}

/** Ends the process, if there is one, and waits until it is gone. */
export async function endBmcs(stack: string): Promise<void> {
  const files = bmcFiles(stackDir(stack));
  const record = await runningRecord(stack);
  if (record !== undefined) {
    process.kill(record.pid, "SIGTERM");
    for (let waited = 0; waited < END_WITHIN_MS && (await isRunning(record)); waited += 20) await delay(20);
    if (await isRunning(record)) process.kill(record.pid, "SIGKILL");
  }
  for (const path of Object.values(files)) await rm(path, { force: true });
}

/** Null when it serves, else what it said. */
async function start(stack: string): Promise<string | null> {
  const main = entryPath(new URL("./main.ts", import.meta.url));
  const { PATH, HOME, TANDEM_HOME, DOCKER_HOST } = process.env;
  const child = spawn(process.execPath, ["--max-old-space-size=64", main, stack, bmcFiles(stackDir(stack)).servers], {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    // What finds the stack and the engine; nothing else of the caller's is a daemon's business.
    env: { PATH, HOME, TANDEM_HOME, DOCKER_HOST, NODE_COMPILE_CACHE: compiledDir() },
  });
  const limit = AbortSignal.timeout(READY_WITHIN_MS);
  const said = Promise.race([
    once(child, "message", { signal: limit }).then(([message]) => message as "ready" | { error: string }),
    once(child, "exit", { signal: limit }).then(([code]) => ({ error: `it ended with exit code ${code}` })),
  ]);
  const answer = await said.catch((error: Error) => ({ error: error.message }));
  if (child.connected) child.disconnect();
  child.unref();
  return answer === "ready" ? null : answer.error;
}

async function runningRecord(stack: string): Promise<ProcessRecord | undefined> {
  const text = await readFile(bmcFiles(stackDir(stack)).process, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as ProcessRecord;
  return (await isRunning(record)) ? record : undefined;
}

async function answer(addresses: readonly string[]): Promise<boolean> {
  const tried = await Promise.all(
    addresses.map(async (host) => {
      const socket = createConnection({ host, port: BMC_PORT });
      return once(socket, "connect", { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
        .then(() => true)
        .catch(() => false)
        .finally(() => socket.destroy());
    }),
  );
  return tried.every(Boolean);
}
