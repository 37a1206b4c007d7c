// Plain JavaScript for Node 20: puts the dependencies of a clone in place, once.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Installs what package-lock.json asks for, unless it is there already. Says so, since it takes a while. */
export function ensureDependencies(root) {
  if (isInPlace(root)) return;
  const release = lock(root);
  try {
    // Another start may have installed while this one waited.
    if (isInPlace(root)) return;
    process.stderr.write("tandem: installing dependencies with npm ci (about a minute) …\n");
    const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: root,
      stdio: ["ignore", 2, 2],
    });
    if (npm.status !== 0) {
      release();
      process.stderr.write(
        "tandem: npm ci failed: see the lines above\n  fix: check that npm reaches its registry, then run the same command again  [E_NPM_CI]\n",
      );
      process.exit(2);
    }
    writeStamp(root);
  } finally {
    release();
  }
}

function stampOf(root) {
  return join(root, "node_modules", ".tandem-lock");
}

function hashOf(root) {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function writeStamp(root) {
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(stampOf(root), hashOf(root));
}

/** The stamp is the quick answer; without a good one npm's own record of what it installed is compared, package by package. */
function isInPlace(root) {
  const stamp = stampOf(root);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hashOf(root)) return true;
  try {
    const packages = (file) => JSON.parse(readFileSync(join(root, file), "utf8")).packages;
    const installed = packages("node_modules/.package-lock.json");
    const wanted = Object.entries(packages("package-lock.json")).filter(([path]) => path !== "");
    // An optional package may be absent: it is for another platform.
    const same = wanted.every(([path, { version, optional }]) =>
      installed[path] === undefined ? optional === true : installed[path].version === version,
    );
    if (same) writeStamp(root);
    return same;
  } catch {
    return false;
  }
}

/** Two starts at once must not install into one folder. The lock of a process that died does not count. */
function lock(root) {
  const file = join(root, ".npm-ci.lock");
  for (;;) {
    try {
      const handle = openSync(file, "wx");
      writeFileSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (!isHeld(file)) rmSync(file, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
}

function isHeld(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    // Just made, and the number not yet written.
    if (pid === 0) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
