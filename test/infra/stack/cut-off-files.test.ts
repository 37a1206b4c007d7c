import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeCutOffFiles } from "../../../src/infra/stack/cut-off-files.ts";

let backend: string;
beforeEach(() => {
  backend = mkdtempSync(join(tmpdir(), "cut-off-"));
});
afterEach(() => rmSync(backend, { recursive: true }));

test("only attributes that cannot be read go; state, locks and whole attributes stay", async () => {
  const stacks = join(backend, ".pulumi/stacks/tandem");
  mkdirSync(stacks, { recursive: true });
  const files = {
    "one.json": '{"version":3}',
    "one.json.attrs": "",
    "one.json.bak": "{",
    "one.json.bak.attrs": '{"user.cache_con',
    "two.json": "{}",
    "two.json.attrs": '{"user.content_type":"text/plain"}',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(stacks, name), text);
  const removed = await removeCutOffFiles(backend);
  expect(removed.sort()).toEqual([join(stacks, "one.json.attrs"), join(stacks, "one.json.bak.attrs")]);
  expect(readdirSync(stacks).sort()).toEqual(["one.json", "one.json.bak", "two.json", "two.json.attrs"]);
  expect(await removeCutOffFiles(backend)).toEqual([]);
});

test("a backend without anything is fine", async () => {
  expect(await removeCutOffFiles(backend)).toEqual([]);
});
