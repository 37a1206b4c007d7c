import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import { type ImageFile, type LayerEntry, layerEntries } from "./image-file.ts";

const epoch = new Date(0);

/**
 * Writes a layer as a tar stream whose bytes depend on the files alone: time 0, numeric owners, no user names.
 * The same files give the same digest on every machine, so a container runtime that has the layer keeps it once.
 */
export async function packLayer(files: readonly ImageFile[], into: Writable): Promise<void> {
  const archive = pack();
  // Both run at once: a pack waits while the far side is full, and an error on either side ends the other.
  await Promise.all([pipeline(archive, into), addAll(archive, layerEntries(files))]);
}

async function addAll(archive: Pack, entries: readonly LayerEntry[]): Promise<void> {
  try {
    for (const entry of entries) await addEntry(archive, entry);
    archive.finalize();
  } catch (error) {
    archive.destroy(error as Error);
    throw error;
  }
}

async function addEntry(archive: Pack, { path, mode, uid, gid, source }: LayerEntry): Promise<void> {
  const header = { mode, uid, gid, mtime: epoch, uname: "", gname: "" };
  switch (source.kind) {
    case "directory":
      return added(archive, { ...header, name: `${path}/`, type: "directory" });
    case "symlink":
      return added(archive, { ...header, name: path, type: "symlink", linkname: source.target });
    case "bytes":
      return streamed(archive, { ...header, name: path, size: source.bytes.length }, Readable.from([source.bytes]));
    case "file": {
      const { size } = await stat(source.from);
      return streamed(
        archive,
        { ...header, name: path, size },
        createReadStream(source.from, { highWaterMark: 1 << 20 }),
      );
    }
  }
}

/** Headers without a body. */
function added(archive: Pack, header: Parameters<Pack["entry"]>[0]): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}

/** One entry with a body; `header.size` must be the exact number of bytes, or the pack fails. */
export async function streamed(
  archive: Pack,
  header: Parameters<Pack["entry"]>[0],
  body: NodeJS.ReadableStream,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const entry = archive.entry(header, (error) => (error ? done.reject(error) : done.resolve()));
  const [written, packed] = await Promise.allSettled([pipeline(body, entry), done.promise]);
  if (written.status === "rejected") throw written.reason;
  if (packed.status === "rejected") throw packed.reason;
}
