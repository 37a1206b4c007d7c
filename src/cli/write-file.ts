import { writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { TandemError } from "../errors.ts";

/** Writes a file that a person asked for. Throws E_FILE_EXISTS where one is there and `overwrite` is false, else E_FILE_WRITE. */
export function writeFile(file: string, text: string, { overwrite }: { overwrite: boolean }): void {
  try {
    // `wx` also refuses a file that appeared since somebody looked.
    writeFileSync(file, text, { flag: overwrite ? "w" : "wx" });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code;
    if (reason === "EEXIST") throw fileExists(file);
    throw new TandemError({
      code: "E_FILE_WRITE",
      what: `cannot write ${file}`,
      why: reason === "ENOENT" ? `there is no folder ${dirname(resolve(file))}` : `the system says ${reason}`,
      fix: "choose another place",
      cause,
    });
  }
}

/** For commands that refuse before they ask or compute anything. */
export function fileExists(file: string): TandemError {
  return new TandemError({
    code: "E_FILE_EXISTS",
    what: `${file} is there already`,
    why: "it may hold the only description of a running cluster",
    fix: "choose another name, or overwrite it with --force",
  });
}
