import { type FSWatcher, lstatSync, type Stats, watch } from "node:fs";
import { join } from "node:path";
import type { Emit, Source } from "../source.ts";
import { kernelLog } from "./kernel-log.ts";

export interface DrillLinesOptions {
  /** On the server a folder of root's own, empty but during a drill. */
  folder: string;
  emit: Emit;
  monoMs(): number;
}

/** Records in the form of `/dev/kmsg`. */
const FILE = "kernel-log";

/**
 * Takes lines that a drill pretends for lines of the kernel log. User space cannot write the kernel's facility, so that a
 * fault of a GPU can be rehearsed on a real server here alone, and from here on it goes the way of a real one. Whoever may
 * write there is root on the server already: a folder or a file that anybody else may write is left alone.
 *
 * It costs nothing while there is no drill: the kernel tells when the folder changes.
 */
export function drillLines({ folder, emit, monoMs }: DrillLinesOptions): Source {
  let lines: Source | undefined;
  let inode = 0;
  let watcher: FSWatcher | undefined;

  const forget = () => {
    lines?.stop();
    lines = undefined;
    inode = 0;
  };
  const look = () => {
    const file = stat(join(folder, FILE));
    if (file === undefined || !file.isFile() || !isOurs(file) || !isOurs(stat(folder))) return forget();
    if (file.ino === inode) return;
    forget();
    inode = file.ino;
    // How the real log is doing is told by whoever reads it.
    const onlyLines: Emit = (evidence) => evidence.kind === "kernel-log" && emit(evidence);
    lines = kernelLog({ path: join(folder, FILE), emit: onlyLines, monoMs });
  };
  try {
    watcher = watch(folder, { persistent: false }, look);
    watcher.on("error", () => watcher?.close());
    look();
  } catch {
    // No folder, or no watch is left: then this server has no drills of this kind, and those say so themselves.
  }
  return {
    stop() {
      watcher?.close();
      forget();
    },
  };
}

function stat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function isOurs(file: Stats | undefined): boolean {
  return file !== undefined && file.uid === process.getuid?.() && (file.mode & 0o022) === 0;
}
