// Plain JavaScript for Node 20. A clone has TypeScript sources and maybe no dependencies yet; an installed package has
// emitted JavaScript in dist/ and its dependencies beside it.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureDependencies } from "./install.js";
import { LIGHT_COMMANDS } from "./light-commands.js";

export const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const isClone = existsSync(join(root, "src", "cli", "main.ts"));

/** The Node that npm installed for this machine, else this one if it is new enough; null if there is neither. */
function newNode() {
  try {
    const pkg = createRequire(join(root, "package.json")).resolve(`node-linux-${process.arch}/package.json`);
    const node = join(dirname(pkg), "bin", "node");
    if (process.platform === "linux" && existsSync(node)) return node;
  } catch {}
  return isNewEnough() ? process.execPath : null;
}

/** Strips types, and has what the libraries ask for. */
function isNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

/** Runs a script of the project under Node 24 in the same process group; ends as it ends. */
export function handOver(script, args) {
  const node = newNode();
  if (node === null) {
    process.stderr.write(
      `tandem: Node ${process.versions.node} is too old, and npm has no newer one for ${process.platform}-${process.arch}\n  fix: install Node 24 and run the same command again  [E_NODE]\n`,
    );
    process.exit(1);
  }
  const child = spawn(node, [script, ...args], { stdio: "inherit" });
  // A terminal sends Ctrl-C to the whole group; a signal sent to this process alone must reach the child too.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
}

/** Runs a script of a clone. */
export function runScript(script, args) {
  ensureDependencies(root);
  handOver(join(root, script), args);
}

/** Runs the command line of a clone or of an installed package. */
export async function run(args) {
  if (isClone) return runScript("src/cli/main.ts", args);
  if (!LIGHT_COMMANDS.includes(args[0])) return handOver(join(root, "dist/src/cli/main.js"), args);
  const bundle = join(root, "dist/light/main.js");
  // A second process costs more than all the work of these commands. On a Node that is too old it is still needed, and
  // where npm has no newer one they run all the same.
  if (isNewEnough() || newNode() === null) await import(pathToFileURL(bundle).href);
  else handOver(bundle, args);
}
