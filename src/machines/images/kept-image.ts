import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { imagesDir } from "../home.ts";
import type { ImageFile } from "./image-file.ts";
import { type ImageArchive, writeImage } from "./write-image.ts";

export interface KeptImage {
  /** First part of the archive's file name, e.g. `sglang-emulator`. */
  name: string;
  /** The name that manifests use; a second name with the content's key in place of the tag is added. */
  reference: string;
  files: readonly ImageFile[];
  env?: Readonly<Record<string, string>>;
  labels?: Readonly<Record<string, string>>;
}

/**
 * An image archive under `images/`, written when its content is new. The same files give the same archive, which is then
 * only read; archives of earlier contents are removed, since each is as large as Node.
 */
export async function keptImage(image: KeptImage, home?: string): Promise<ImageArchive> {
  const { name, reference, files, env = {}, labels = {} } = image;
  const key = await contentKey(files, env);
  const path = join(imagesDir(home), `${name}-${key}.tar`);
  const references = [reference, `${reference.slice(0, reference.lastIndexOf(":"))}:${key}`];
  if (existsSync(path)) {
    const sha256 = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    return { reference, references, path, sha256, bytes: (await stat(path)).size };
  }
  await removeOlder(name, imagesDir(home));
  return writeImage({ reference: references, files, env, labels }, path);
}

async function contentKey(files: readonly ImageFile[], env: Readonly<Record<string, string>>): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(Object.entries(env).sort()));
  for (const file of files) {
    hash.update(`\0${file.path}\0${file.mode ?? ""}\0`);
    if ("content" in file) hash.update(file.content);
    if ("from" in file) hash.update(await readFile(file.from));
  }
  return hash.digest("hex").slice(0, 12);
}

async function removeOlder(name: string, folder: string): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  const older = new RegExp(`^${name}-[0-9a-f]{12}\\.tar$`);
  for (const file of names) if (older.test(file)) await rm(join(folder, file), { force: true });
}
