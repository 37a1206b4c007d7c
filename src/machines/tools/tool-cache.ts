import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, lstat, mkdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { toolsDir } from "../home.ts";
import { replaceFile } from "../replace-file.ts";
import { catalogue, type ToolName } from "./catalogue.ts";

/** What is known about a program in the cache, kept beside it. */
export interface ToolRecord {
  name: ToolName;
  version: string;
  /** The build key, or the sha256 of the release file that it came from. */
  key: string;
  /** Of the program. */
  sha256: string;
  bytes: number;
  origin: "build" | "download";
  /** Go's version, or the address. */
  from: string;
}

/** `tools/NAME-VERSION`: everything of one version of a tool. */
export function toolFolder(name: ToolName, home?: string): string {
  return join(toolsDir(home), `${name}-${catalogue[name].version}`);
}

/** Where the program itself lies: `tools/NAME-VERSION/NAME`; Go is a tree of files. */
export function toolPath(name: ToolName, home?: string): string {
  return join(toolFolder(name, home), name === "go" ? "go/bin/go" : name);
}

/** The record of a program that is there, whole, and has one of the keys; a program without record counts as none. */
export async function readTool(
  name: ToolName,
  keys: readonly string[],
  home?: string,
): Promise<ToolRecord | undefined> {
  const text = await readFile(recordPath(name, home), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as ToolRecord;
  const there = await stat(toolPath(name, home)).catch(() => undefined);
  return keys.includes(record.key) && there?.size === record.bytes ? record : undefined;
}

/**
 * Puts a finished program into the cache under its name. Killed at any moment, it leaves the old program with its record,
 * or a program without record, which is made again; never a half-written one that counts.
 */
export async function keepTool(
  name: ToolName,
  file: string,
  facts: Pick<ToolRecord, "key" | "origin" | "from">,
  home?: string,
): Promise<ToolRecord> {
  await chmod(file, 0o755);
  const { size } = await stat(file);
  const { version } = catalogue[name];
  const record: ToolRecord = { name, version, ...facts, sha256: await fileSha256(file), bytes: size };
  const path = toolPath(name, home);
  await rm(recordPath(name, home), { force: true });
  if (file !== path) await rename(file, path);
  await replaceFile(recordPath(name, home), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

/** A second name for a program that acts by the name it is started under. */
export async function linkTool(name: ToolName, target: ToolName, home?: string): Promise<void> {
  const path = toolPath(name, home);
  const there = await lstat(path).catch(() => undefined);
  if (there?.isSymbolicLink() === true) return;
  await mkdir(dirname(path), { recursive: true });
  await symlink(relative(dirname(path), toolPath(target, home)), path);
}

/** sha256 of a file of any size, lower-case hex. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

function recordPath(name: ToolName, home?: string): string {
  return join(toolFolder(name, home), "record.json");
}
