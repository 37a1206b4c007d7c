import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stackDir } from "../../machines/home.ts";
import { isHeld } from "../../machines/lock.ts";
import { LOCK } from "./stack-lock.ts";
import { readRecord } from "./stack-record.ts";

/** The other stacks of this computer that are up, or that a command is making just now: they use the same caches. */
export async function otherStacks(stack: string): Promise<string[]> {
  const folders = await readdir(dirname(stackDir(stack)), { withFileTypes: true }).catch(() => []);
  const names = folders.filter((entry) => entry.isDirectory() && entry.name !== stack).map(({ name }) => name);
  const inUse = await Promise.all(
    // `tandem down` takes the record along; the first `up` writes it when programs and images are there.
    names.map(async (name) => (await readRecord(name)) !== undefined || isHeld(join(stackDir(name), LOCK))),
  );
  return names.filter((_name, at) => inUse[at]).sort();
}
