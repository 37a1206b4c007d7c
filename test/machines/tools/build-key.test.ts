import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildKey } from "../../../src/machines/tools/build-key.ts";
import type { GoBuild } from "../../../src/machines/tools/catalogue.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();
const build: GoBuild = { module: "pause", package: ".", stamps: { "main.version": "1" }, packages: 1, linkMs: 1 };

function modules(): string {
  const root = folder();
  mkdirSync(join(root, "pause/cmd"), { recursive: true });
  writeFileSync(join(root, "pause/go.mod"), "module a\n");
  writeFileSync(join(root, "pause/cmd/main.go"), "package main\n");
  return root;
}

test("the same module in another place has the same key", async () => {
  expect(await buildKey(build, modules())).toBe(await buildKey(build, modules()));
});

test.each<[string, (root: string) => void]>([
  ["go.mod", (root) => writeFileSync(join(root, "pause/go.mod"), "module b\n")],
  ["go.sum", (root) => writeFileSync(join(root, "pause/go.sum"), "x\n")],
  ["a source", (root) => writeFileSync(join(root, "pause/cmd/main.go"), "package main\n\nfunc main() {}\n")],
  ["one more source", (root) => writeFileSync(join(root, "pause/cmd/other.go"), "package main\n")],
])("a change of %s is another key", async (_what, change) => {
  const root = modules();
  const before = await buildKey(build, root);
  change(root);
  expect(await buildKey(build, root)).not.toBe(before);
});

test.each<[string, Partial<GoBuild>]>([
  ["a stamp", { stamps: { "main.version": "2" } }],
  ["a tag", { tags: ["netgo"] }],
  ["the package", { package: "./cmd" }],
])("a change of %s is another key", async (_what, change) => {
  const root = modules();
  expect(await buildKey({ ...build, ...change }, root)).not.toBe(await buildKey(build, root));
});

test("what is no part of the build, or only says how long it takes, changes nothing", async () => {
  const root = modules();
  const before = await buildKey(build, root);
  writeFileSync(join(root, "pause/README.md"), "x");
  expect(await buildKey({ ...build, packages: 9, linkMs: 9 }, root)).toBe(before);
});
