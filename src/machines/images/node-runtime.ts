import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageFile } from "./image-file.ts";
import { libraryClosure } from "./library-closure.ts";

/** glibc opens these by name at run time, so no program lists them: without them names do not resolve on older glibc. */
const NAME_SERVICE = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/**
 * This computer's own Node as `/usr/bin/node`, further programs of this computer, the libraries of all of them and what
 * glibc needs to resolve names: an image that runs JavaScript, without a distribution and without a registry.
 *
 * @param programs where each further program lies here → its path in the image
 */
export async function nodeRuntimeFiles(programs: Readonly<Record<string, string>> = {}): Promise<ImageFile[]> {
  const node = await realpath(process.execPath);
  const others = await Promise.all(
    Object.entries(programs).map(async ([from, path]) => ({ from: await realpath(from), path, mode: 0o755 })),
  );
  const libraries = await libraryClosure([node, ...others.map(({ from }) => from)]);
  const libc = libraries.find(({ path }) => path.endsWith("/libc.so.6"));
  const nameService = libc === undefined ? [] : await nameServiceFiles(libc.path);
  const known = new Set(libraries.map(({ path }) => path));
  return [
    { path: "usr/bin/node", from: node, mode: 0o755 },
    ...others,
    ...libraries,
    ...nameService.filter(({ path }) => !known.has(path)),
    { path: "etc/nsswitch.conf", content: "hosts: files dns\n" },
    { path: "tmp", directory: true, mode: 0o1777 },
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
