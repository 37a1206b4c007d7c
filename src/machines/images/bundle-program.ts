import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A program of ours that runs in containers: its name there, and the file where it begins. */
export interface Program {
  /** `tandem-agent`; the file is `/usr/lib/tandem/NAME.cjs`, and `/usr/bin/NAME` runs it. */
  name: string;
  entry: URL;
}

/** One JavaScript file with everything that a program needs, so that an image holds no `node_modules`. */
export async function bundleProgram({ name, entry }: Program): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "cjs",
    minify: true,
    // A stack of a minified program that still names its functions is worth the few bytes.
    keepNames: true,
    legalComments: "none",
    logLevel: "silent",
    define: { "import.meta.url": `"file:///usr/lib/tandem/${name}.cjs"` },
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${name}`);
  return output.contents;
}
