import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "./mutants.ts";

/** Changes the text of one production file as it is loaded. Throws if the text is not there exactly once: the code moved on. */
export function patchSources(name: string): void {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  const target = new URL(`../../../src/${mutant.file}`, import.meta.url).href;
  const text = readFileSync(fileURLToPath(target), "utf8");
  const places = text.split(mutant.find).length - 1;
  if (places !== 1) throw new Error(`mutant ${name}: its text is ${places} times in ${mutant.file}`);
  const source = text.replace(mutant.find, () => mutant.put);
  registerHooks({
    load(url, context, next) {
      return url === target ? { format: "module-typescript", source, shortCircuit: true } : next(url, context);
    },
  });
}
