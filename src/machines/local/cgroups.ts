import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { shortHash } from "./labels.ts";

const ROOT = "/sys/fs/cgroup";

/** Name of the one folder that holds the cgroups of all machines of a TANDEM_HOME. */
export function cgroupParent(home: string): string {
  return `tandem-${shortHash(home)}`;
}

/** Removes the empty cgroups that machines left, in every hierarchy (v1) or the one (v2). In use or absent is fine. */
export async function removeOwnCgroups(home: string): Promise<void> {
  const name = cgroupParent(home);
  const hierarchies = await readdir(ROOT, { withFileTypes: true });
  const folders = [ROOT, ...hierarchies.filter((entry) => entry.isDirectory()).map((entry) => join(ROOT, entry.name))];
  for (const folder of folders) await removeEmpty(join(folder, name));
}

async function removeEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  // Children first; the files in a cgroup are the kernel's and go with it.
  for (const entry of entries) if (entry.isDirectory()) await removeEmpty(join(folder, entry.name));
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "EBUSY" && error.code !== "ENOTEMPTY") throw error;
  });
}
