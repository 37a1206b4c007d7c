import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The path of a program of this package, whose source ends in `.ts` and which an installed package holds as `.js`. */
export function entryPath(url: URL): string {
  const source = fileURLToPath(url);
  return existsSync(source) ? source : source.replace(/\.ts$/, ".js");
}
