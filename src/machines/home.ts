import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where Tandem keeps everything it makes on this computer: caches that can be rebuilt (`tools/`,
 * `images/`, `compiled/`) and state that cannot (`stacks/<name>/`). All paths are absolute. Nothing is created
 * here: whoever writes makes its own folder, so that asking for a path never touches the disk.
 */

/** The root folder: `TANDEM_HOME`, or `~/.cache/tandem`. */
export function tandemHome(): string {
  const chosen = process.env.TANDEM_HOME;
  // An empty variable means "not set": resolving it would make the working folder the home.
  return chosen ? resolve(chosen) : join(homedir(), ".cache", "tandem");
}

/** Built or downloaded programs, one folder per program and version. A cache. */
export function toolsDir(home: string = tandemHome()): string {
  return join(home, "tools");
}

/** Container image archives, named by a key of what they hold. A cache. */
export function imagesDir(home: string = tandemHome()): string {
  return join(home, "images");
}

/** What Node made of our sources and packages (`NODE_COMPILE_CACHE`), shared by all stacks. A cache. */
export function compiledDir(home: string = tandemHome()): string {
  return join(home, "compiled");
}

/** The private container daemon: its socket, data root and pid files. */
export function engineDir(home: string = tandemHome()): string {
  return join(home, "engine");
}

/**
 * State of one stack: keys, kubeconfig, Pulumi's backend and its passphrase.
 * The caller makes the folder with mode 0700.
 *
 * @param name a stack's name as checked by the spec's schema. A name that could leave the folder
 *   is a fault of the program, not of the operator.
 */
export function stackDir(name: string, home: string = tandemHome()): string {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    throw new Error(`stack name ${JSON.stringify(name)} is not a lower-case DNS label`);
  }
  return join(home, "stacks", name);
}
