import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TandemError } from "../errors.ts";

export interface WrittenFolder {
  files: string[];
  /** Of an earlier run, and no longer wanted. */
  removed: string[];
}

/**
 * Makes a folder hold these files. A file that begins with `header` is ours: it is replaced, and removed where it is no
 * longer among the files (`kubectl apply -f DIR` would bring a dropped object back). Nothing else is touched: a file
 * of that name without the header is refused before anything is written (E_FILE_EXISTS); E_FILE_WRITE for the rest.
 */
export function writeFolder(
  folder: string,
  files: readonly { name: string; text: string }[],
  { header }: { header: string },
): WrittenFolder {
  try {
    mkdirSync(folder, { recursive: true });
    const there = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const ours = there.filter(({ name }) => readFileSync(join(folder, name), "utf8").startsWith(header));
    const foreign = there.find(
      ({ name }) => files.some((file) => file.name === name) && !ours.some((own) => own.name === name),
    );
    if (foreign !== undefined) throw notOurs(join(folder, foreign.name));
    const removed = ours.map(({ name }) => name).filter((name) => files.every((file) => file.name !== name));
    for (const name of removed) rmSync(join(folder, name));
    for (const { name, text } of files) writeFileSync(join(folder, name), text);
    return { files: files.map(({ name }) => name), removed };
  } catch (cause) {
    if (cause instanceof TandemError) throw cause;
    throw new TandemError({
      code: "E_FILE_WRITE",
      what: `cannot write into ${folder}`,
      why: `the system says ${(cause as NodeJS.ErrnoException).code}`,
      fix: "choose another folder",
      cause,
    });
  }
}

function notOurs(file: string): TandemError {
  return new TandemError({
    code: "E_FILE_EXISTS",
    what: `${file} is there already`,
    why: "it was not written by this command, or somebody took its first line away",
    fix: "move it, or choose another folder",
  });
}
