import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { Child } from "../../src/drill/world/child.ts";
import { Network } from "../../src/drill/world/network.ts";
import { isProcessAlive } from "../support/process-alive.ts";

/** Where root tells the kernel the number before the next one; it is there on Linux alone. */
const LAST_NUMBER = "/proc/sys/kernel/ns_last_pid";
const CANNOT_CHOOSE = process.getuid?.() !== 0 || !existsSync(LAST_NUMBER);
/** Other tests start processes too, and may be quicker. */
const TRIES = 200;

const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) if (child.exitCode === null && child.signalCode === null) await end(child);
});

function sleeper(): ChildProcess {
  const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  started.push(child);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Somebody else's process, in a group of its own, with the number of one that ended. */
async function bystanderWith(number: number): Promise<ChildProcess> {
  for (let tried = 0; tried < TRIES; tried++) {
    writeFileSync(LAST_NUMBER, String(number - 1));
    const child = sleeper();
    if (child.pid === number) return child;
    await end(child);
  }
  throw new Error(`no process got the number ${number} in ${TRIES} tries`);
}

test.skipIf(CANNOT_CHOOSE)(
  "what has the number of an ended process outlives the rehearsal that had started that one",
  async () => {
    const network = new Network("");
    const [ended, kept] = [sleeper(), sleeper()];
    for (const { pid } of [ended, kept]) await network.keep(pid ?? 0);
    await end(ended);
    await network.forgetEnded();
    const bystander = await bystanderWith(ended.pid ?? 0);
    const keptEnds = once(kept, "exit");
    await network.close();
    await keptEnds;
    expect(kept.signalCode).toBe("SIGKILL");
    expect(isProcessAlive(bystander.pid ?? 0)).toBe(true);
  },
);

test.skipIf(CANNOT_CHOOSE)("a signal for a process that ended reaches nobody else", async () => {
  const child = new Child({ name: "test", script: "-e", args: [""] });
  await child.exited;
  const bystander = await bystanderWith(child.pid);
  expect(child.signal("SIGKILL")).toBe(false);
  await child.kill();
  expect(isProcessAlive(bystander.pid ?? 0)).toBe(true);
});
