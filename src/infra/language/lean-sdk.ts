import { createRequire, Module } from "node:module";
import { join } from "node:path";

/**
 * What the SDK loads and no program of ours uses, half of its start: npm's dependency solver, for closures that become
 * JavaScript elsewhere (our provider is a program of its own), and source maps, of which there are none: Node strips types
 * in place. An official language host loads them all the same.
 */
const UNUSED = ["@npmcli/arborist", "normalize-package-data", "source-map-support/register"];

// Loaded before each Pulumi program: modules that were loaded already, and hold nothing.
const sdk = createRequire(createRequire(join(process.cwd(), "program")).resolve("@pulumi/pulumi/package.json"));
for (const name of UNUSED) {
  const file = sdk.resolve(name);
  const empty = new Module(file);
  empty.filename = file;
  empty.loaded = true;
  sdk.cache[file] = empty;
}
