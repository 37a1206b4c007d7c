import { globSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Bench } from "./bench.ts";

// `npm run bench [name …]`: measures what has a limit, one after the other so that they do not disturb each other.
const wanted = process.argv.slice(2);
let over = 0;
for (const file of globSync("test/bench/*.bench.ts").sort()) {
  const name = basename(file, ".bench.ts");
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { bench } = (await import(pathToFileURL(resolve(file)).href)) as { bench: Bench };
  for (const { what, measured, limit, unit, how } of await bench()) {
    const verdict = measured <= limit ? "ok" : unit === "ms" || unit === "s" ? "TOO SLOW" : "TOO MUCH";
    if (measured > limit) over += 1;
    const digits = unit === "s" ? 2 : unit === "ms" && limit < 10 ? 1 : 0;
    const figure = `${measured.toFixed(digits)} ${unit}`;
    process.stdout.write(
      `${figure.padStart(9)}  of ${limit.toFixed(digits).padStart(5)} ${unit}  ${verdict}  ${what} (${how})\n`,
    );
  }
}
process.exitCode = over > 0 ? 1 : 0;
