import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageFile } from "./image-file.ts";

/** glibc opens these by name at run time, so no program lists them: without them names do not resolve on older glibc. */
const NAME_SERVICE = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/** The files that let programs of an image resolve names, beside the libraries it has already. */
export async function nameService(libraries: readonly ImageFile[]): Promise<ImageFile[]> {
  const known = new Set(libraries.map(({ path }) => path));
  const libc = libraries.find(({ path }) => path.endsWith("/libc.so.6"));
  const folder = libc === undefined ? null : dirname(libc.path);
  const present =
    folder === null
      ? []
      : NAME_SERVICE.map((name) => join(folder, name)).filter(
          (path) => !known.has(path) && existsSync(join("/", path)),
        );
  const files = present.map(async (path) => ({ path, from: await realpath(join("/", path)), mode: 0o755 }));
  return [...(await Promise.all(files)), { path: "etc/nsswitch.conf", content: "hosts: files dns\n" }];
}
