import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createInflateRaw, inflateRaw } from "node:zlib";

interface ZipEntry {
  path: string;
  mode: number;
  deflated: boolean;
  packedBytes: number;
  offset: number;
}

const inflate = promisify(inflateRaw);
const SMALL = 1 << 20;

/**
 * Unpacks a zip file, which a Python wheel is, with the permission bits it holds. The checksum of the whole file is the
 * caller's to check first; sizes beyond 4 GiB and encryption are not read.
 *
 * @param wanted which paths to unpack
 */
export async function unzip(
  file: string,
  into: string,
  wanted: (path: string) => boolean = () => true,
): Promise<number> {
  const handle = await open(file);
  try {
    const entries = (await readDirectory(handle)).filter(({ path }) => !path.endsWith("/") && wanted(path));
    for (const folder of new Set(entries.map(({ path }) => dirname(path)))) {
      await mkdir(join(into, folder), { recursive: true });
    }
    // In file order, several at a time: a compiler is eleven thousand small files.
    let next = 0;
    const worker = async () => {
      for (let entry = entries[next++]; entry; entry = entries[next++]) await extract(handle, file, entry, into);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    return entries.length;
  } finally {
    await handle.close();
  }
}

async function extract(handle: FileHandle, file: string, entry: ZipEntry, into: string): Promise<void> {
  const header = await read(handle, entry.offset, 30);
  if (header.readUInt32LE(0) !== 0x04034b50) throw new Error(`${file}: no entry at ${entry.offset}`);
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const out = join(into, entry.path);
  if (entry.packedBytes <= SMALL) {
    const packed = await read(handle, start, entry.packedBytes);
    const target = await open(out, "w", entry.mode);
    try {
      await target.writeFile(entry.deflated ? await inflate(packed) : packed);
    } finally {
      await target.close();
    }
    return;
  }
  const packed = createReadStream(file, { start, end: start + entry.packedBytes - 1 });
  const target = createWriteStream(out, { mode: entry.mode });
  await (entry.deflated ? pipeline(packed, createInflateRaw(), target) : pipeline(packed, target));
}

async function readDirectory(handle: FileHandle): Promise<ZipEntry[]> {
  const { size } = await handle.stat();
  // The end record is the last 22 bytes, or a comment of up to 64 KiB follows it.
  const tailAt = Math.max(0, size - 22 - 0xffff);
  const tail = await read(handle, tailAt, size - tailAt);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0) throw new Error("not a zip file");
  const directory = await read(handle, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: ZipEntry[] = [];
  for (let at = 0; at < directory.length; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    const path = directory.toString("utf8", at + 46, at + 46 + nameBytes);
    if (path.startsWith("/") || path.split("/").includes("..")) throw new Error(`${path} leaves the folder`);
    entries.push({
      path,
      mode: (directory.readUInt32LE(at + 38) >>> 16) & 0o777 || 0o644,
      deflated: methodOf(directory.readUInt16LE(at + 10), path),
      packedBytes: directory.readUInt32LE(at + 20),
      offset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

function methodOf(method: number, path: string): boolean {
  if (method !== 0 && method !== 8) throw new Error(`${path} is packed with method ${method}, which is not read here`);
  return method === 8;
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position });
  if (bytesRead !== length) throw new Error(`the zip file ends early: ${bytesRead} of ${length} bytes at ${position}`);
  return buffer;
}
