import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";
import { execaSync } from "execa";
import { LIGHT_COMMANDS } from "../../bin/light-commands.js";

// `npm pack` ships JavaScript, because Node strips no types below node_modules. `dist` repeats the layout of the
// repository, so that paths from one file to another stay the same.
const next = `dist.${process.pid}`;
rmSync(next, { recursive: true, force: true });
execaSync(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "-p", "tsconfig.emit.json", "--noCheck", "--outDir", next],
  { stdio: "inherit" },
);
// A folder would be copied with all that is in it, so that only files count.
const filesOf = (pattern: string) =>
  globSync(pattern, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".ts"))
    .map((entry) => relative(process.cwd(), join(entry.parentPath, entry.name)));
for (const file of [...filesOf("src/**/*"), ...filesOf("tools/**/*"), ...filesOf("Pulumi*.yaml")]) {
  if (file.startsWith("tools/package")) continue;
  mkdirSync(dirname(join(next, file)), { recursive: true });
  cpSync(file, join(next, file));
}
// The program is JavaScript now; `tandem start` looks for its stack from where it lies itself.
const project = join(next, "Pulumi.yaml");
writeFileSync(project, readFileSync(project, "utf8").replace("program.ts", "program.js"));
mkdirSync(join(next, "stacks"));
cpSync("stacks/local.yaml", join(next, "stacks", "local.yaml"));
await bundleLightCommands();
rmSync("dist", { recursive: true, force: true });
renameSync(next, "dist");

/** The commands that only read, think and print, with their libraries in few files: most of their time was loading. */
async function bundleLightCommands(): Promise<void> {
  const { metafile } = await build({
    entryPoints: ["src/cli/main.ts"],
    outdir: join(next, "light"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    minify: true,
    // Its CommonJS form, which Node would take, cannot be cut down.
    alias: { yaml: "./node_modules/yaml/browser/index.js" },
    metafile: true,
    logLevel: "warning",
    // CommonJS inside the bundle asks for Node's own modules.
    banner: {
      js: 'import{createRequire as tandemRequire}from"node:module";const require=tandemRequire(import.meta.url);',
    },
    plugins: [
      {
        name: "keep-light",
        setup: ({ onResolve, onLoad }) => {
          // Zod's messages in fifty languages are half of the bundle; ours are written by us.
          onResolve({ filter: /\/locales\/index\.js$/ }, () => ({ path: "locales", namespace: "empty" }));
          onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "export {};" }));
          onResolve({ filter: /\/commands\/[a-z-]+\.ts$/ }, ({ path, kind }) => {
            const name = path.split("/").at(-1)?.replace(".ts", "") ?? "";
            if (kind !== "dynamic-import" || LIGHT_COMMANDS.includes(name)) return undefined;
            return { path: `../src/cli/commands/${name}.js`, external: true };
          });
        },
      },
    ],
  });
  writeFileSync(join(next, "light", "package.json"), '{"type":"module"}\n');
  const heavy = Object.keys(metafile.inputs).find((file) => /node_modules\/(@pulumi|@kubernetes|@grpc)\//.test(file));
  if (heavy !== undefined)
    throw new Error(`a light command loads ${heavy}: import it inside the action of a heavy one`);
}
