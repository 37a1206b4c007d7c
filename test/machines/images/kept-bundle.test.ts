import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keptBundle } from "../../../src/machines/images/kept-bundle.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-bundle-"));
  write("part.ts", 'export const word: string = "first";');
  write("main.ts", 'import { word } from "./part.ts"; console.log(word);');
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const bundle = async (format: "cjs" | "esm" = "cjs") =>
  Buffer.from(await keptBundle(pathToFileURL(join(folder, "main.ts")), { format }, join(folder, "home"))).toString();
const kept = (ending: string) => {
  const home = join(folder, "home/compiled/bundles");
  const names = readdirSync(home).filter((name) => name.endsWith(ending));
  return names.map((name) => join(home, name));
};

test("a bundle is made once, and again when a file that it was made from changes", async () => {
  const first = await bundle();
  expect(first).toContain("first");
  const [note = ""] = kept(".json");
  const made = statSync(note, { bigint: true }).mtimeNs;
  expect(await bundle()).toBe(first);
  expect(statSync(note, { bigint: true }).mtimeNs).toBe(made);

  write("part.ts", 'export const word: string = "other";');
  expect(await bundle()).toContain("other");
  expect(statSync(note, { bigint: true }).mtimeNs).not.toBe(made);
});

test("another format is another bundle", async () => {
  expect(await bundle("esm")).not.toBe(await bundle("cjs"));
  expect(kept(".bundle")).toHaveLength(2);
});

test.each([".json", ".bundle"])("a %s file that was cut short is made again", async (ending) => {
  const first = await bundle();
  for (const path of kept(ending)) writeFileSync(path, "{");
  expect(await bundle()).toBe(first);
});
