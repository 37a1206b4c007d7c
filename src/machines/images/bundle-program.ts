import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { slimPackages } from "./slim-packages.ts";

/** A program of ours that runs in containers: its name there, and the file where it begins. */
export interface Program {
  /** `tandem-agent`; the file in the image is `/usr/lib/tandem/NAME.mjs`, or `NAME.cjs`. */
  name: string;
  entry: URL;
  /** `cjs` takes six megabytes less memory: Node's own loader of ES modules stays out. It cannot await at its top. */
  format?: "cjs" | "esm";
}

export interface BundleOptions {
  /** `cjs` for a file without extension, `esm` for an `.mjs` file that awaits at its top. */
  format: "cjs" | "esm";
  /** First line, e.g. `#!/usr/bin/node`. */
  banner?: string;
  external?: readonly string[];
}

/** CommonJS inside an ES module asks for Node's own modules. */
const REQUIRE =
  'import{createRequire as tandemRequire}from"node:module";const require=tandemRequire("file:///usr/lib/tandem/");';

export interface Bundle {
  content: Uint8Array;
  /** Absolute paths of all files that it was made from. */
  inputs: string[];
}

/** One JavaScript file with everything that a program needs, so that an image holds no `node_modules`. */
export async function bundleProgram(entry: URL, options: BundleOptions): Promise<Bundle> {
  const { format, banner = "", external = [] } = options;
  // An installed package holds the JavaScript made from the sources.
  const source = fileURLToPath(entry);
  const file = existsSync(source) ? source : source.replace(/\.ts$/, ".js");
  const result = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    target: "node24",
    format,
    minify: true,
    // A stack of a minified program that still names its functions is worth the few bytes.
    keepNames: true,
    legalComments: "none",
    logLevel: "silent",
    banner: { js: format === "esm" ? `${banner}${REQUIRE}` : banner },
    // Paths beside the source do not exist in an image; there variables name the files.
    define: { "import.meta.url": '"file:///usr/lib/tandem/bundle.cjs"' },
    external: [...external],
    plugins: [slimPackages],
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${file}`);
  return { content: output.contents, inputs: Object.keys(result.metafile.inputs).map((path) => resolve(path)) };
}
