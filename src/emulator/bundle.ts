import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** One JavaScript file for the image, with everything it needs inside. `entry`: relative to this folder. */
export async function bundle(entry: string, banner: string): Promise<Uint8Array> {
  // An installed package holds the JavaScript made from the sources.
  const file = import.meta.url.endsWith(".js") ? entry.replace(/\.ts$/, ".js") : entry;
  const result = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    // CommonJS: the program file is called `python3`, and Node takes a file without extension for CommonJS.
    format: "cjs",
    minify: true,
    legalComments: "none",
    logLevel: "silent",
    banner: { js: banner },
    // Paths beside the source do not exist in the image; there variables name the files.
    define: { "import.meta.url": '"file:///usr/lib/tandem/bundle.cjs"' },
    external: ["../gpu/device-plugin-main.ts", "../gpu/device-plugin-main.js"],
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${entry}`);
  return output.contents;
}
