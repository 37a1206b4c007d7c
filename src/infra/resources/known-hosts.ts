import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stackDir } from "../../machines/home.ts";
import { withLock } from "../../machines/lock.ts";
import { replaceFile } from "../../machines/replace-file.ts";
import { LOCAL_KNOWN_HOSTS } from "../../machines/server/targets.ts";

/**
 * Pins the host key of a local machine, or forgets it (`undefined`). The key was read through the container engine, so
 * the first connection is already checked. Several machines come up at once: one writer at a time.
 */
export async function pinHostKey(stack: string, address: string, hostKey: string | undefined): Promise<void> {
  const folder = stackDir(stack);
  const file = join(folder, LOCAL_KNOWN_HOSTS);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await withLock(`${file}.lock`, undefined, async () => {
    const before = await readFile(file, "utf8").catch(() => "");
    const others = before.split("\n").filter((line) => line !== "" && !line.startsWith(`${address} `));
    const lines = hostKey === undefined ? others : [...others, `${address} ${hostKey}`].sort();
    const after = lines.map((line) => `${line}\n`).join("");
    if (after === before) return;
    await replaceFile(file, after, 0o600);
  });
}
