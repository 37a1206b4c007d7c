import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { layerEntries } from "../../../src/machines/images/image-file.ts";
import { writeImage } from "../../../src/machines/images/write-image.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();

test("a layer has every folder before what is in it, in one order", () => {
  const entries = layerEntries([
    { path: "usr/bin/b", content: "" },
    { path: "usr/bin/a", symlink: "b" },
    { path: "etc", directory: true },
  ]);
  expect(entries.map(({ path, source }) => `${path} ${source.kind}`)).toEqual([
    "etc directory",
    "usr directory",
    "usr/bin directory",
    "usr/bin/a symlink",
    "usr/bin/b bytes",
  ]);
});

test.each(["/etc/passwd", "../x", "a//b", "a/./b", ""])("%j is no path in an image", (path) => {
  expect(() => layerEntries([{ path, content: "" }])).toThrow("not a plain path");
});

test.each([
  [
    [
      { path: "a", content: "" },
      { path: "a", content: "" },
    ],
    "twice",
  ],
  [
    [
      { path: "a", content: "" },
      { path: "a/b", content: "" },
    ],
    "not a folder",
  ],
])("files that cannot be in one layer", (files, why) => {
  expect(() => layerEntries(files)).toThrow(why);
});

test("an image whose file cannot be read is not there at all", async () => {
  const into = folder();
  const image = { reference: "x:1", files: [{ path: "a", from: join(into, "gone") }] };
  await expect(writeImage(image, join(into, "x.tar"))).rejects.toThrow("ENOENT");
  expect(readdirSync(into)).toEqual([]);
});

test("a later archive takes the place of an earlier one whole", async () => {
  const into = folder();
  mkdirSync(join(into, "images"));
  const out = join(into, "images/x.tar");
  writeFileSync(out, "half of something");
  const archive = await writeImage({ reference: "x:1", files: [{ path: "a", content: "1" }] }, out);
  expect(archive.bytes).toBeGreaterThan(1000);
  expect(existsSync(out) && readdirSync(join(into, "images"))).toEqual(["x.tar"]);
});
