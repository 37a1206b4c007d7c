import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { version } from "esbuild";
import { z } from "zod";
import { compiledDir } from "../home.ts";
import { type BundleOptions, bundleProgram } from "./bundle-program.ts";

const Kept = z.object({
  /** Of each file that went into the bundle: its path, and what it was then. */
  inputs: z.array(z.tuple([z.string(), z.string()])),
  sha256: z.string(),
});

// What decides about a bundle besides its inputs: how we ask for it, and what we leave out of packages.
const MAKERS = ["bundle-program", "slim-packages"];

/**
 * {@link bundleProgram}, or what it gave before if every file that it read then is as it was: three bundles take two
 * seconds of a core, which is a thirtieth of a cluster.
 */
export async function keptBundle(entry: URL, options: BundleOptions, home?: string): Promise<Uint8Array> {
  const folder = join(compiledDir(home), "bundles");
  const key = await keyOf(entry, options);
  const [note, code] = [join(folder, `${key}.json`), join(folder, `${key}.bundle`)];
  const kept = await readKept(note, code);
  if (kept !== undefined) return kept;
  const { content, inputs } = await bundleProgram(entry, options);
  const stamped = await Promise.all(inputs.map(async (path) => [path, await stampOf(path)] as const));
  await mkdir(folder, { recursive: true });
  await replace(code, content);
  await replace(note, JSON.stringify({ inputs: stamped, sha256: sha256(content) }));
  return content;
}

async function readKept(note: string, code: string): Promise<Uint8Array | undefined> {
  try {
    const { inputs, sha256: expected } = Kept.parse(JSON.parse(await readFile(note, "utf8")));
    const same = await Promise.all(inputs.map(async ([path, stamp]) => (await stampOf(path)) === stamp));
    if (same.includes(false)) return undefined;
    const content = await readFile(code);
    return sha256(content) === expected ? content : undefined;
  } catch {
    // Never made, or a half of it: it is made again.
    return undefined;
  }
}

async function keyOf(entry: URL, options: BundleOptions): Promise<string> {
  const makers = await Promise.all(MAKERS.map((name) => readMaker(name)));
  return sha256(JSON.stringify([version, process.version, entry.href, options, ...makers])).slice(0, 24);
}

/** The text of a file beside this one; an installed package has the JavaScript that was made from it. */
async function readMaker(name: string): Promise<string> {
  const read = (ending: string) => readFile(fileURLToPath(new URL(`./${name}${ending}`, import.meta.url)), "utf8");
  return read(".ts").catch(() => read(".js"));
}

/** Changes whenever a file is written; a file that a plug-in made up has none, and is known by its maker. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? "none" : `${found.size}:${found.mtimeNs}:${found.ino}`;
}

// Two starts at once write the same; neither may read the half of the other.
async function replace(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
