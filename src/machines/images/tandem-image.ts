import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { access, constants, readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { TandemError } from "../../errors.ts";
import { TANDEM_IMAGE } from "../../manifests/names.ts";
import { imagesDir } from "../home.ts";
import { bundleProgram, type Program } from "./bundle-program.ts";
import type { ImageFile } from "./image-file.ts";
import { libraryClosure } from "./library-closure.ts";
import { nameService } from "./name-service.ts";
import { type ImageArchive, writeImage } from "./write-image.ts";

export interface TandemImageOptions {
  programs: readonly Program[];
  /** TANDEM_HOME; the archive is kept under its `images/`. */
  home?: string;
  /** Programs of this computer that ours start, found on PATH: `cat` follows a device, `nsenter` enters the server. */
  tools?: readonly string[];
}

const LIB = "usr/lib/tandem";

/**
 * Writes the one image of all programs that run in the cluster, from this computer's own files: Node, the libraries it
 * needs, and a bundle each. No registry and no container engine takes part. The same inputs give the same archive, which
 * is then only read.
 */
export async function tandemImage({ programs, home, tools = ["cat", "nsenter"] }: TandemImageOptions): Promise<ImageArchive> {
  const files = await imageFiles(programs, tools);
  const key = await keyOf(files);
  const path = join(imagesDir(home), `tandem-${key}.tar`);
  const references = [TANDEM_IMAGE, `tandem.local/tandem:${key}`];
  if (existsSync(path)) {
    const sha256 = createHash("sha256").update(await readFile(path)).digest("hex");
    return { reference: TANDEM_IMAGE, references, path, sha256, bytes: (await stat(path)).size };
  }
  await removeOlder(imagesDir(home));
  return writeImage(
    { reference: references, files, labels: { "org.opencontainers.image.title": "Tandem" } },
    path,
  );
}

async function imageFiles(programs: readonly Program[], tools: readonly string[]): Promise<ImageFile[]> {
  const node = await realpath(process.execPath);
  const found = await Promise.all(tools.map(async (name) => ({ name, from: await onPath(name) })));
  const libraries = await libraryClosure([node, ...found.map(({ from }) => from)]);
  const bundles = programs.map(async (program) => ({
    path: `${LIB}/${program.name}.cjs`,
    content: await bundleProgram(program),
  }));
  return [
    { path: "usr/bin/node", from: node, mode: 0o755 },
    ...found.map(({ name, from }) => ({ path: `usr/bin/${name}`, from, mode: 0o755 })),
    ...libraries,
    ...(await nameService(libraries)),
    ...(await Promise.all(bundles)),
    { path: "tmp", directory: true, mode: 0o1777 },
  ];
}

async function onPath(name: string): Promise<string> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return realpath(path);
  }
  throw new TandemError({
    code: "E_IMAGE_TOOL",
    what: "the image of the agent and the gateway cannot be made",
    why: `it takes \`${name}\` from this computer, and there is none on PATH`,
    fix: name === "nsenter" ? "install util-linux, then run the same command again" : `install ${name}, then run the same command again`,
  });
}

async function keyOf(files: readonly ImageFile[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(`\0${file.path}\0${file.mode ?? ""}\0`);
    if ("content" in file) hash.update(file.content);
    if ("from" in file) hash.update(await readFile(file.from));
  }
  return hash.digest("hex").slice(0, 12);
}

/** Archives of earlier builds: each is as large as Node, and nothing refers to them by name. */
async function removeOlder(folder: string): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  for (const name of names)
    if (/^tandem-[0-9a-f]{12}\.tar$/.test(name)) await rm(join(folder, name), { force: true });
}
