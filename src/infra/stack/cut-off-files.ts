import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

const ATTRIBUTES = ".attrs";

/**
 * Takes away what a killed Pulumi left half written in a stack's state. Its file backend replaces each state file as a whole,
 * but writes the attributes beside it (content type, checksum) in place: cut off there, no command of Pulumi reads the state any
 * more ("failed to load checkpoint: EOF"). Without attributes a file is read as it is.
 *
 * @returns the files that were taken away
 */
export async function removeCutOffFiles(backend: string): Promise<string[]> {
  const entries = await readdir(backend, { recursive: true, withFileTypes: true });
  const removed: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(ATTRIBUTES)) continue;
    const path = join(entry.parentPath, entry.name);
    if (isWhole(await readFile(path, "utf8").catch(() => "{}"))) continue;
    await rm(path, { force: true });
    removed.push(path);
  }
  return removed;
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
