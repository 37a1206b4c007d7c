import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compiledDir } from "../../machines/home.ts";

/** The path of a program of this package, whose source ends in `.ts` and which an installed package holds as `.js`. */
export function entryPath(url: URL): string {
  const source = fileURLToPath(url);
  return existsSync(source) ? source : source.replace(/\.ts$/, ".js");
}

/** Compiled code of the programs, so that the next start takes a third of the time. Node checks it against the sources. */
export function compileCache(): string {
  return compiledDir();
}
