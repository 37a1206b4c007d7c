import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { temporaryRoot } from "./temporary-root.ts";

/** What programs of others leave behind when they are ended; it is taken away like the rest, but is nobody's mistake here. */
const FOREIGN = /^(go-build|node-compile-cache|playwright|\.org\.chromium|\.com\.google|hsperfdata_|v8-compile-cache)/;

// Loaded before each test file: it gets a temporary folder of its own, which its processes inherit. After its last hook
// nothing may be left there, and the next file that the same worker runs finds the environment as this one did.
const environment = process.env;
const before = { ...environment };
const folder = mkdtempSync(join(temporaryRoot(), "t-"));
environment.TMPDIR = folder;

afterAll(() => {
  process.env = environment;
  for (const name of Object.keys(environment)) if (!(name in before)) delete environment[name];
  Object.assign(environment, before);
  const left = readdirSync(folder).filter((name) => !FOREIGN.test(name));
  rmSync(folder, { recursive: true, force: true });
  if (left.length > 0)
    throw new Error(`left in the temporary folder: ${left.join(", ")}; whoever makes a folder there takes it away`);
});
