import { posix } from "node:path";
import { build, type Plugin } from "esbuild";

/** The folders of `src` in the order of the data. A file imports from its own folder and from those above it. */
export const FOLDERS = [
  ["spec"],
  ["plan"],
  ["manifests"],
  ["health"],
  ["failover"],
  ["report"],
  ["stream"],
  // Folders of one row do not import each other.
  ["kube", "machines"],
  ["infra"],
  ["agent", "reconciler", "gateway"],
  ["emulator"],
  ["drill"],
  ["cli"],
] as const;
const PURE: readonly string[] = ["spec", "plan", "manifests", "health", "failover", "report"];
/** They turn values into values; everything else may hide a clock or a socket. */
const PURE_PACKAGES: readonly string[] = ["zod", "yaml"];
const MAX_LINES = 250;
const EFFECTS = ["process", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "performance", "fetch"];
const MORE_EFFECTS = ["crypto", "globalThis", "console", "Math.random", "Date", "Buffer"];

/**
 * What a source file does that its folder must not. `path` is relative to `src`, e.g. `plan/memory.ts`. Imports of types count:
 * they bind folders together just as values do.
 */
export async function violationsOf(path: string, source: string): Promise<string[]> {
  const { imports, code } = await analyse(source);
  const found = imports.flatMap((specifier) => importViolation(path, specifier) ?? []);
  const lines = source.trimEnd().split("\n").length;
  if (lines > MAX_LINES) found.push(`${path} has ${lines} lines, more than ${MAX_LINES}`);
  if (PURE.includes(folderOf(path))) {
    for (const name of EFFECTS.concat(MORE_EFFECTS)) {
      const mark = markOf(name);
      // A date made from a value is pure; the present time is not.
      const pattern =
        name === "Date"
          ? new RegExp(`new ${mark}\\(\\)|new ${mark}(?!\\()|(?<!new )${mark}\\(|${mark}\\.now`)
          : new RegExp(mark);
      if (pattern.test(code)) found.push(`${path} is in a pure folder and uses ${name}`);
    }
  }
  return found;
}

function importViolation(path: string, specifier: string): string | undefined {
  const folder = folderOf(path);
  if (!specifier.startsWith(".")) {
    const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0];
    if (!PURE.includes(folder) || PURE_PACKAGES.includes(name ?? "")) return undefined;
    return `${path} is in a pure folder and imports ${specifier}`;
  }
  const target = posix.join(posix.dirname(path), specifier);
  if (target.startsWith("..")) return `${path} imports ${specifier}, which is outside src`;
  const other = folderOf(target);
  // A file beside the folders (errors.ts) is for all, and itself imports no folder.
  if (other === "" || other === folder) return undefined;
  const [from, to] = [rowOf(folder), rowOf(other)];
  if (folder !== "" && from === -1) return `${path} is in no folder of the table`;
  if (to === -1) return `${path} imports ${target}, which is in no folder of the table`;
  return to < from ? undefined : `${path} imports ${target}: ${folder || "a shared file"} is not below ${other}`;
}

function folderOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : "";
}

function rowOf(folder: string): number {
  return FOLDERS.findIndex((row) => (row as readonly string[]).includes(folder));
}

function markOf(name: string): string {
  return `EFFECT_${name.replace(".", "_")}`;
}

/** The modules that a source names, and its code with each use of a global effect replaced by a mark (esbuild knows scopes). */
async function analyse(source: string): Promise<{ imports: string[]; code: string }> {
  const imports: string[] = [];
  const collector: Plugin = {
    name: "collect",
    setup: ({ onResolve }) => {
      onResolve({ filter: /.*/, namespace: "file" }, ({ path, kind }) => {
        if (kind === "entry-point") return undefined;
        imports.push(path);
        return { path, external: true };
      });
    },
  };
  // esbuild drops `import type` before anybody can see it.
  const contents = source
    .replace(/\bimport\s+type\s+(?=[\w${*])/g, "import ")
    .replace(/\bexport\s+type\s+(?=\{[^}]*\}\s*from\b|\*)/g, "export ");
  const { outputFiles } = await build({
    stdin: { contents, loader: "ts", resolveDir: process.cwd(), sourcefile: "source.ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    treeShaking: false,
    logLevel: "silent",
    plugins: [collector],
    define: Object.fromEntries(EFFECTS.concat(MORE_EFFECTS).map((name) => [name, markOf(name)])),
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, target: "es2024" } },
  });
  return { imports, code: outputFiles[0]?.text ?? "" };
}
