import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What lies in a folder, by names and sizes: reading 690 GB would take minutes of the disk that an engine loads from. */
export interface FolderContent {
  state: "complete" | "broken" | "missing";
  files: number;
  bytes: number;
  /** Of all names and sizes, so that two servers can be compared. */
  digest: string;
  detail: string;
}

/** A cache of compiled kernels holds thousands of files; more than this says nothing new. */
const MAX_FILES = 20_000;
const MAX_DEPTH = 8;
/** `model-00007-of-000163.safetensors`: every checkpoint in shards says how many there are. */
const SHARD = /^(.*)-(\d{3,6})-of-(\d{3,6})(\.\w+)$/;

/** Reads a folder and all below it. A folder that is not there is `missing`, which is no failure to read. */
export async function readFolder(path: string): Promise<FolderContent> {
  const found = new Map<string, number>();
  try {
    await walk(path, "", found, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { state: "missing", files: 0, bytes: 0, digest: "", detail: `there is no ${path}` };
  }
  const entries = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256");
  for (const [name, size] of entries) hash.update(`${size} ${name}\n`);
  const wrong = shardProblem(found);
  return {
    state: wrong === null ? "complete" : "broken",
    files: entries.length,
    bytes: entries.reduce((sum, [, size]) => sum + size, 0),
    digest: hash.digest("hex").slice(0, 16),
    detail: wrong ?? "",
  };
}

async function walk(root: string, below: string, found: Map<string, number>, depth: number): Promise<void> {
  const entries: Dirent[] = await readdir(join(root, below), { withFileTypes: true });
  for (const entry of entries) {
    if (found.size >= MAX_FILES) return;
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (depth < MAX_DEPTH) await walk(root, name, found, depth + 1).catch(unlessGone);
    } else {
      // Followed: checkpoints of a hub's cache are links to the files themselves, and a dead link is a missing shard.
      const size = await stat(join(root, name)).then((file) => (file.isFile() ? file.size : null), unlessGone);
      if (typeof size === "number") found.set(name, size);
    }
  }
}

/** Files come and go while we read; a compiler's temporary file is no news. */
function unlessGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

function shardProblem(found: ReadonlyMap<string, number>): string | null {
  const sets = new Map<string, { total: number; numbers: Set<number> }>();
  for (const [name, size] of found) {
    const [, stem, number, total, end] = SHARD.exec(name) ?? [];
    if (stem === undefined) continue;
    if (size === 0) return `${name} is empty`;
    const key = `${stem}-of-${total}${end}`;
    const set = sets.get(key) ?? { total: Number(total), numbers: new Set<number>() };
    set.numbers.add(Number(number));
    sets.set(key, set);
  }
  for (const [key, { total, numbers }] of sets) {
    if (numbers.size >= total) continue;
    const absent = Array.from({ length: total }, (_, at) => at + 1).filter((number) => !numbers.has(number));
    const shown = absent.slice(0, 3).join(", ") + (absent.length > 3 ? ", …" : "");
    return `shard ${shown} of ${total} is not there (${key})`;
  }
  return null;
}
