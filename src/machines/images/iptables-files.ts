import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { imagesDir } from "../home.ts";
import { unpackPackage } from "./debian-files.ts";
import type { ImageFile } from "./image-file.ts";
import { libraryClosure } from "./library-closure.ts";

export interface IptablesFiles {
  files: ImageFile[];
  /** Debian package → version: the layer's content key. */
  packages: Record<string, string>;
}

// kube-proxy in iptables mode calls these six and nothing else; connection tracking it does by netlink itself.
const commands = ["iptables", "ip6tables"].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);

/**
 * The iptables that kube-proxy needs beside itself: the one nf_tables program under its six names, its match plug-ins,
 * and the libraries of both; about 5 MB from Debian's packages instead of a distribution's root. Kept under
 * `images/`, so that a later run needs no network and gives the same bytes.
 *
 * @throws TandemError as {@link unpackPackage} and {@link libraryClosure}
 */
export async function iptablesFiles(options: { home?: string; signal?: AbortSignal } = {}): Promise<IptablesFiles> {
  const kept = join(imagesDir(options.home), `iptables-2-${process.arch}`);
  const packages = await readPackages(kept);
  if (packages) return { packages, files: await treeFiles(join(kept, "root")) };

  await mkdir(dirname(kept), { recursive: true });
  const work = await mkdtemp(`${kept}.`);
  try {
    const unpacked = await unpackPackage("iptables", work, options.signal);
    const needed = await pick(unpacked.root);
    const half = join(work, "kept");
    for (const { from, path } of needed) {
      await mkdir(dirname(join(half, "root", path)), { recursive: true });
      await cp(from, join(half, "root", path), { dereference: true });
    }
    await writeFile(join(half, "packages.json"), JSON.stringify(unpacked.packages, null, 2));
    // Two runs at once make the same tree; the second finds the name taken and uses what is there.
    await rename(half, kept).catch((error) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    return { packages: unpacked.packages, files: await treeFiles(join(kept, "root")) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function readPackages(kept: string): Promise<Record<string, string> | undefined> {
  try {
    return JSON.parse(await readFile(join(kept, "packages.json"), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function pick(root: string): Promise<{ path: string; from: string }[]> {
  const all = (await readdir(root, { recursive: true, withFileTypes: true }))
    // Some plug-ins are links to another (libxt_MASQUERADE.so → libxt_NAT.so): without them kube-proxy's rules are refused.
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name));
  const endsWith = (pattern: RegExp) => all.filter((path) => pattern.test(path));
  const program = endsWith(/\/sbin\/xtables-nft-multi$/);
  const plugins = endsWith(/\/xtables\/lib\w+\.so$/);
  const [loader] = endsWith(/\/ld-linux[^/]*\.so\.\d+$/);
  const libraryPath = [...new Set(endsWith(/\.so\.\d[^/]*$/).map((path) => dirname(path)))].sort();
  if (!loader || program.length !== 1)
    throw new Error(`${root} has ${program.length} xtables-nft-multi, loader ${loader}`);
  const libraries = await libraryClosure([...program, ...plugins], { root, loader, libraryPath });
  return [
    ...[...program, ...plugins, ...endsWith(/\/etc\/protocols$/)].map((from) => ({
      from,
      path: from.slice(root.length + 1),
    })),
    ...libraries.flatMap((file) => ("from" in file ? [{ from: file.from, path: file.path }] : [])),
  ];
}

async function treeFiles(root: string): Promise<ImageFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map(
      (from): ImageFile => ({ from, path: from.slice(root.length + 1), mode: from.includes("/etc/") ? 0o644 : 0o755 }),
    );
  const links = commands.map((name): ImageFile => ({ path: `usr/sbin/${name}`, symlink: "xtables-nft-multi" }));
  return [...files, ...links];
}
