import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { imagesDir } from "../machines/home.ts";
import type { ImageFile } from "../machines/images/image-file.ts";
import { libraryClosure } from "../machines/images/library-closure.ts";
import { type ImageArchive, writeImage } from "../machines/images/write-image.ts";
import { EMULATOR_IMAGE } from "../spec/schema-engine.ts";
import { bundle } from "./bundle.ts";

export interface EmulatorImageOptions {
  /** TANDEM_HOME; the archive is kept under its `images/`. */
  home?: string;
  /** `EMULATOR_*` variables that every engine of this image starts with: load time, rates, capacity. */
  env?: Readonly<Record<string, string>>;
}

const LIB = "usr/lib/tandem";
/** glibc opens these by name at run time, so no program lists them: without them names do not resolve on older glibc. */
const NAME_SERVICE = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/**
 * Writes the emulator's image from this computer's own files: Node, a shell for the ranks, the libraries of both and two
 * bundles. About 130 MB, nearly all of it Node. The same inputs give the same archive, which is then only read.
 */
export async function emulatorImage({ home, env = {} }: EmulatorImageOptions = {}): Promise<ImageArchive> {
  const files = await imageFiles();
  const key = await keyOf(files, env);
  const path = join(imagesDir(home), `sglang-emulator-${key}.tar`);
  const references = [EMULATOR_IMAGE, `tandem.local/sglang-emulator:${key}`];
  if (existsSync(path)) {
    const sha256 = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    return { reference: EMULATOR_IMAGE, references, path, sha256, bytes: (await stat(path)).size };
  }
  await removeOlder(imagesDir(home));
  return writeImage(
    {
      reference: references,
      files,
      env: {
        ...env,
        EMULATOR_RANK_SCRIPT: `/${LIB}/rank.sh`,
        EMULATOR_DEVICE_PLUGIN: `/${LIB}/device-plugin.cjs`,
        EMULATOR_DEVICE_PLUGIN_PROTO: `/${LIB}/deviceplugin.proto`,
        // A young generation of 2 MiB: an engine holds little, and four of them share this computer.
        NODE_OPTIONS: "--max-semi-space-size=2",
      },
      labels: { "org.opencontainers.image.title": "SGLang 0.5.23, emulated" },
    },
    path,
  );
}

async function imageFiles(): Promise<ImageFile[]> {
  const node = await realpath(process.execPath);
  const shell = await realpath("/bin/sh");
  const libraries = await libraryClosure([node, shell]);
  const libc = libraries.find(({ path }) => path.endsWith("/libc.so.6"));
  const nameService = libc === undefined ? [] : await nameServiceFiles(libc.path);
  const known = new Set(libraries.map(({ path }) => path));
  const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  return [
    { path: "usr/bin/node", from: node, mode: 0o755 },
    { path: "bin/sh", from: shell, mode: 0o755 },
    ...libraries,
    ...nameService.filter(({ path }) => !known.has(path)),
    { path: "usr/bin/python3", content: await bundle("engine/python3.ts", "#!/usr/bin/node"), mode: 0o755 },
    { path: `${LIB}/device-plugin.cjs`, content: await bundle("gpu/device-plugin-main.ts", "") },
    { path: `${LIB}/rank.sh`, from: here("engine/rank.sh"), mode: 0o644 },
    { path: `${LIB}/deviceplugin.proto`, from: here("gpu/deviceplugin.proto"), mode: 0o644 },
    { path: `${LIB}/nvidia-smi.sh`, from: here("gpu/nvidia-smi.sh"), mode: 0o755 },
    { path: "etc/nsswitch.conf", content: "hosts: files dns\n" },
    { path: "tmp", directory: true, mode: 0o1777 },
    { path: "run/tandem", directory: true },
  ];
}

async function nameServiceFiles(libcPath: string): Promise<ImageFile[]> {
  const folder = dirname(libcPath);
  const present = NAME_SERVICE.filter((name) => existsSync(join("/", folder, name)));
  return Promise.all(
    present.map(async (name) => ({
      path: join(folder, name),
      from: await realpath(join("/", folder, name)),
      mode: 0o755,
    })),
  );
}

async function keyOf(files: readonly ImageFile[], env: Readonly<Record<string, string>>): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(Object.entries(env).sort()));
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
    if (/^sglang-emulator-[0-9a-f]{12}\.tar$/.test(name)) await rm(join(folder, name), { force: true });
}
