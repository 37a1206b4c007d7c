import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { TandemError } from "../../errors.ts";
import { catalogue, type Release, type ToolName } from "./catalogue.ts";
import { download } from "./download.ts";
import { keepTool, type ToolRecord, toolFolder } from "./tool-cache.ts";
import { openWebAccess } from "./web-access.ts";

export type CheckedRelease = Release & { sha256: string };

/** The release file for this computer, if one is known and its sha256, too; else why this way is closed. */
export function releaseOf(name: ToolName): CheckedRelease | string {
  const { release } = catalogue[name];
  if (typeof release === "string") return release;
  const file = process.platform === "linux" ? release[process.arch] : undefined;
  if (file === undefined) return `no release file for ${process.platform} ${process.arch} is known here`;
  const { sha256 } = file;
  return sha256 === undefined
    ? `no checksum of ${file.url} is known here, and a file is not used without`
    : { ...file, sha256 };
}

export interface FetchReleaseOptions {
  home?: string | undefined;
  onBytes?: (bytes: number, totalBytes: number) => void;
  signal?: AbortSignal | undefined;
}

/** Fetches a program of an official release into the cache. @throws TandemError E_DOWNLOAD, E_CHECKSUM, E_RELEASE. */
export async function fetchRelease(
  name: ToolName,
  release: CheckedRelease,
  options: FetchReleaseOptions,
): Promise<ToolRecord> {
  const { home, onBytes, signal } = options;
  const { url, sha256, member } = release;
  const folder = toolFolder(name, home);
  await mkdir(folder, { recursive: true });
  const file = join(folder, "release");
  const program = join(folder, `${name}.part`);
  const access = await openWebAccess();
  try {
    await download(url, file, { sha256, dispatcher: access.dispatcher, ...(onBytes && { onBytes }), signal });
    if (member === undefined) await rename(file, program);
    else await extractMember(file, member, program, url);
    return await keepTool(name, program, { key: sha256, origin: "download", from: url }, home);
  } finally {
    await access.close();
    await Promise.all([file, program].map((path) => rm(path, { force: true })));
  }
}

async function extractMember(archive: string, member: string, out: string, url: string): Promise<void> {
  let found = false;
  const unpack = extract();
  unpack.on("entry", (header, stream, next) => {
    if (header.name !== member || header.type !== "file") {
      stream.on("end", next).resume();
      return;
    }
    found = true;
    pipeline(stream, createWriteStream(out)).then(() => next(), next);
  });
  await pipeline(createReadStream(archive), createGunzip(), unpack);
  if (found) return;
  throw new TandemError({
    code: "E_RELEASE",
    what: `${url} has no ${member}`,
    why: "the release is laid out otherwise than the catalogue says",
    fix: "report this: the catalogue names the wrong file",
  });
}
