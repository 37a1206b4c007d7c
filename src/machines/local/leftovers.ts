import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";

/** A process that was just killed holds what it had open until the kernel has ended it. */
const BUSY_MS = 10_000;

/** Unmounts everything below a folder, deepest first. A daemon that was killed leaves its mounts. */
export async function unmountBelow(folder: string): Promise<void> {
  const text = await readFile("/proc/self/mountinfo", "utf8");
  const points = text
    .split("\n")
    .map((line) => unescapePath(line.split(" ")[4] ?? ""))
    .filter((point) => point.startsWith(`${folder}/`));
  // In the order of mounting, so the last one is on top.
  for (const point of points.reverse()) await unmount(point);
}

async function unmount(point: string): Promise<void> {
  for (const endMs = performance.now() + BUSY_MS; performance.now() < endMs; await delay(100)) {
    const { exitCode, stderr } = await execa("umount", [point], { reject: false, env: { LC_ALL: "C" } });
    if (exitCode === 0 || !/busy/.test(stderr)) return;
  }
  // Out of sight at once, and gone when whoever holds it ends.
  await execa("umount", ["--lazy", point], { reject: false });
}

/**
 * Removes a folder that holds only folders and sockets nobody listens on. Anything else is somebody's: the folder is
 * shared by all containerds (Dockers) of a computer.
 */
export async function removeUnused(folder: string): Promise<void> {
  const listening = await readFile("/proc/net/unix", "utf8");
  await removeIfUnused(folder, new Set(listening.split("\n").map((line) => line.split(" ").at(-1) ?? "")));
}

async function removeIfUnused(folder: string, listening: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await removeIfUnused(path, listening);
    else if (entry.isSocket() && !listening.has(path)) await rm(path, { force: true });
  }
  // Not empty means in use, and is fine.
  await rmdir(folder).catch(() => undefined);
}

/** mountinfo writes space, tab, newline and backslash as octal. */
export function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
