// Plain JavaScript for Node 20. A clone has TypeScript sources and maybe no dependencies yet; an installed package has
// emitted JavaScript in dist/ and its dependencies beside it.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const isClone = existsSync(join(root, "src", "cli", "main.ts"));

/** Installs the dependencies of a clone when the lock file changed since the last install; says so, since it takes a while. */
export function ensureDependencies() {
  if (!isClone) return;
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".tandem-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  process.stderr.write("tandem: installing dependencies with npm ci (about a minute) …\n");
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (npm.status !== 0) {
    process.stderr.write(
      "tandem: npm ci failed: see the lines above\n  fix: check that npm reaches its registry, then run the same command again  [E_NPM_CI]\n",
    );
    process.exit(2);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

/** A Node that strips types: the one npm installed for this machine, else this one if it is new enough. */
export function findNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  try {
    const pkg = createRequire(join(root, "package.json")).resolve(`node-linux-${process.arch}/package.json`);
    const node = join(dirname(pkg), "bin", "node");
    if (process.platform === "linux" && existsSync(node)) return node;
  } catch {}
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  process.stderr.write(
    `tandem: Node ${process.versions.node} cannot run TypeScript, and npm has no newer one for ${process.platform}-${process.arch}\n  fix: install Node 24 and run the same command again  [E_NODE]\n`,
  );
  return process.exit(1);
}

/** Runs a script of the project under Node 24 in the same process group; ends as it ends. */
export function handOver(script, args) {
  const child = spawn(findNode(), [script, ...args], { stdio: "inherit" });
  // A terminal sends Ctrl-C to the whole group; a signal sent to this process alone must reach the child too.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
}

export function run(args) {
  ensureDependencies();
  handOver(join(root, isClone ? "src/cli/main.ts" : "dist/src/cli/main.js"), args);
}
