import { realpath } from "node:fs/promises";
import { execa } from "execa";
import { TandemError } from "../../errors.ts";
import type { ImageFile } from "./image-file.ts";

export interface Library {
  /** Where the loader looks for it inside the image, without a leading slash. */
  path: string;
  /** The file on this computer, as the loader named it. */
  from: string;
}

export interface ClosureOptions {
  /** A folder laid out like the root of a system, whose loader and libraries are used instead of this computer's. */
  root?: string;
  /** That root's dynamic loader, and the folders where it has libraries. Needed with `root`. */
  loader?: string;
  libraryPath?: readonly string[];
}

/**
 * The shared libraries that programs or plug-ins need, with the loader itself, as files for an image: all that a
 * dynamically linked program needs to run where there is no distribution.
 *
 * @param binaries absolute paths of dynamically linked programs or shared objects
 * @throws TandemError `E_LIBRARY_MISSING` when the loader cannot find one, or finds it outside `root`
 */
export async function libraryClosure(binaries: readonly string[], options: ClosureOptions = {}): Promise<ImageFile[]> {
  const found = new Map<string, string>();
  for (const binary of binaries) {
    for (const library of parseLoaderList(await listLibraries(binary, options), binary, options)) {
      found.set(library.path, library.from);
    }
  }
  return Promise.all([...found].map(async ([path, from]) => ({ path, from: await realpath(from), mode: 0o755 })));
}

async function listLibraries(binary: string, { loader, libraryPath = [] }: ClosureOptions): Promise<string> {
  // glibc's own loader lists what it would load and runs nothing of the program; `ldd` is a script around it.
  const { stdout } = loader
    ? await execa(loader, ["--library-path", libraryPath.join(":"), "--list", binary])
    : await execa("ldd", [binary], { env: { LC_ALL: "C" } });
  return stdout;
}

/**
 * Reads what `ldd` or `ld.so --list` prints. Three kinds of lines count: `name => /path (0x…)`, the loader itself as
 * `/path (0x…)` or `/path => /other (0x…)`, and `name => not found`; the kernel's vdso has no path and is skipped.
 */
export function parseLoaderList(text: string, binary: string, { root, loader }: ClosureOptions = {}): Library[] {
  const libraries: Library[] = [];
  for (const line of text.split("\n")) {
    const [, name, path] = /^\s*(\S+)(?: => (.+?))?(?: \(0x[0-9a-f]+\))?$/.exec(line) ?? [];
    if (!name || name.startsWith("linux-vdso") || name === "statically") continue;
    if (path === "not found") throw missing(binary, name, "the loader did not find it");
    // Listing a plug-in prints the loader under the name it was started by, which no program asks for.
    if (name === loader) continue;
    if (name.startsWith("/") && name !== path) {
      // The program asks for its loader by this absolute name; with a root of its own the loader is a file of that root.
      libraries.push({ path: name.slice(1), from: loader ?? path ?? name });
      continue;
    }
    if (!path) continue;
    if (root !== undefined && !path.startsWith(`${root}/`))
      throw missing(binary, name, `found only outside, as ${path}`);
    libraries.push({ path: path.slice((root?.length ?? 0) + 1), from: path });
  }
  return libraries;
}

function missing(binary: string, library: string, why: string): TandemError {
  return new TandemError({
    code: "E_LIBRARY_MISSING",
    what: `${binary} needs the shared library ${library}`,
    why,
    fix: "install the package that has it, then run the same command again",
  });
}
