import { readdir, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { TandemError } from "../../errors.ts";
import { joinSettings, leaveSettings, readSetting } from "./first-settings.ts";

/**
 * Settings of the one kernel that all machines share and that running them changes. kubelet writes the first four
 * (facts: kubelet sets overcommit 1, panic 10, panic_on_oops 1); we raise the inotify limits.
 */
const SHARED_SETTINGS = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
  "fs/inotify/max_user_instances",
  "fs/inotify/max_user_watches",
];

// Measured: 16 instances per worker, 94 for five machines with the host; the limit is per kernel and user.
const INOTIFY_INSTANCES_PER_MACHINE = 24;
const INOTIFY_WATCHES_PER_MACHINE = 16_384;
const INOTIFY_SPARE_INSTANCES = 128;

/**
 * Saves the shared settings before the first machine of any home exists, once: later calls keep what was saved first.
 * Raises the inotify limits to what `machines` need and never lowers them.
 */
export async function prepareHostSettings(home: string, machines: number): Promise<void> {
  await joinSettings(home, SHARED_SETTINGS);
  await raise("fs/inotify/max_user_instances", INOTIFY_SPARE_INSTANCES + machines * INOTIFY_INSTANCES_PER_MACHINE);
  await raise("fs/inotify/max_user_watches", machines * INOTIFY_WATCHES_PER_MACHINE);
}

/** Puts the saved settings back when no other home has machines; nothing saved is fine. Returns what had changed. */
export function restoreHostSettings(home: string): Promise<string[]> {
  return leaveSettings(home);
}

/** What `prepareHostSettings` would change, for the question that `tandem up` asks first. */
export async function plannedHostSettings(
  machines: number,
): Promise<{ name: string; present: string; wanted: string }[]> {
  const planned: Record<string, number> = {
    "fs/inotify/max_user_instances": INOTIFY_SPARE_INSTANCES + machines * INOTIFY_INSTANCES_PER_MACHINE,
    "fs/inotify/max_user_watches": machines * INOTIFY_WATCHES_PER_MACHINE,
    // Written by kubelet when it starts.
    "vm/overcommit_memory": 1,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
  };
  const rows: { name: string; present: string; wanted: string }[] = [];
  for (const [name, wanted] of Object.entries(planned)) {
    const present = await readSetting(name);
    const change = name.startsWith("fs/") ? Number(present) < wanted : Number(present) !== wanted;
    if (present !== undefined && change)
      rows.push({ name: name.replaceAll("/", "."), present, wanted: String(wanted) });
  }
  return rows;
}

/** @throws TandemError E_NO_SPACE when the file system of `folder` has less than `gib` GiB free. */
export async function assertSpace(folder: string, gib: number, forWhat: string): Promise<void> {
  let there = folder;
  while (
    !(await readdir(there).then(
      () => true,
      () => false,
    )) &&
    there !== dirname(there)
  )
    there = dirname(there);
  const { bavail, bsize } = await statfs(there);
  const free = (bavail * bsize) / 2 ** 30;
  if (free >= gib) return;
  throw new TandemError({
    code: "E_NO_SPACE",
    what: `not enough disk space for ${forWhat}`,
    why: `${free.toFixed(1)} GiB are free at ${there}, ${gib} GiB are needed`,
    fix: "free some space, or set TANDEM_HOME to a folder on a bigger disk, then run the same command again",
  });
}

async function raise(name: string, wanted: number): Promise<void> {
  const now = await readSetting(name);
  if (now !== undefined && Number(now) < wanted) await writeFile(`/proc/sys/${name}`, String(wanted));
}
