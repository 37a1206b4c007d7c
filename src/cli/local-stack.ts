import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const LOCAL_STACK = join("stacks", "local.yaml");

/** The local stack of this folder, or else the one that comes with the package: a clone and the emitted files keep it at different heights. */
export function localStack(): string {
  let folder = process.cwd();
  if (!existsSync(join(folder, LOCAL_STACK))) folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, LOCAL_STACK)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, LOCAL_STACK);
}
