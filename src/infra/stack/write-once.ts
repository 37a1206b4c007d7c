import { randomUUID } from "node:crypto";
import { link, open, rm, stat } from "node:fs/promises";

/**
 * Makes a file that is never changed again, mode 0600, unless it is there. It appears under its name when it is complete: a
 * secret that a full disk or a kill cut off would count as made for ever. An empty one, which a release that wrote in place
 * may have left, is made anew.
 */
export async function writeOnce(path: string, text: string): Promise<void> {
  const size = await sizeOf(path);
  if (size === 0) await rm(path, { force: true });
  else if (size !== undefined) return;
  const aside = `${path}.${randomUUID()}`;
  try {
    const file = await open(aside, "wx", 0o600);
    try {
      await file.writeFile(text);
      // Without it the name may reach the disk before what it names.
      await file.sync();
    } finally {
      await file.close();
    }
    await link(aside, path).catch((error: NodeJS.ErrnoException) => {
      // Whoever was first has made it.
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(aside, { force: true });
  }
}

/** Whether there is a file with something in it. */
export async function isMade(path: string): Promise<boolean> {
  return ((await sizeOf(path)) ?? 0) > 0;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
