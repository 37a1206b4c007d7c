import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stackDir } from "../../machines/home.ts";
import { isHeld } from "../../machines/lock.ts";
import { LOCK } from "./stack-lock.ts";
import { readRecord } from "./stack-record.ts";

/** The other stacks of this computer that are up, or that a command is making just now: they use the same caches. */
export async function otherStacks(stack: string): Promise<string[]> {
  const names = (await stackNames()).filter((name) => name !== stack);
  const inUse = await Promise.all(
    // `tandem down` takes the record along; the first `up` writes it when programs and images are there.
    names.map(async (name) => (await readRecord(name)) !== undefined || isBusy(name)),
  );
  return names.filter((_name, at) => inUse[at]).sort();
}

/** The stacks of this computer, whichever, that a command is changing just now. */
export async function busyStacks(): Promise<string[]> {
  const names = await stackNames();
  const busy = await Promise.all(names.map(isBusy));
  return names.filter((_name, at) => busy[at]);
}

function isBusy(stack: string): Promise<boolean> {
  return isHeld(join(stackDir(stack), LOCK));
}

async function stackNames(): Promise<string[]> {
  const folders = await readdir(dirname(stackDir("any")), { withFileTypes: true }).catch(() => []);
  return folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
