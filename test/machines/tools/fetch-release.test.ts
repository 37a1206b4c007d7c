import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import { fetchRelease } from "../../../src/machines/tools/fetch-release.ts";
import { readTool, toolFolder, toolPath } from "../../../src/machines/tools/tool-cache.ts";
import { serveFiles } from "../../support/file-server.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();
const sha256Of = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function archive(): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "pulumi/", type: "directory" });
  tar.entry({ name: "pulumi/pulumi-language-go" }, "other");
  tar.entry({ name: "pulumi/pulumi" }, "program");
  tar.finalize();
  return gzipSync(await buffer(tar));
}

test("the program is taken out of a release archive, and the archive is gone", async () => {
  const bytes = await archive();
  const server = await serveFiles((_request, response) => response.end(bytes));
  const home = folder();
  const release = { url: `${server.url}/pulumi.tar.gz`, member: "pulumi/pulumi", sha256: sha256Of(bytes) };
  const record = await fetchRelease("pulumi", release, { home });
  expect(readFileSync(toolPath("pulumi", home), "utf8")).toBe("program");
  expect(record).toMatchObject({ origin: "download", key: release.sha256, from: release.url });
  expect(await readTool("pulumi", [release.sha256], home)).toEqual(record);
  expect(readdirSync(toolFolder("pulumi", home)).sort()).toEqual(["pulumi", "record.json"]);
});

test("a release that is the program itself", async () => {
  const bytes = Buffer.from("program");
  const server = await serveFiles((_request, response) => response.end(bytes));
  const home = folder();
  await fetchRelease("coredns", { url: server.url, sha256: sha256Of(bytes) }, { home });
  expect(readFileSync(toolPath("coredns", home), "utf8")).toBe("program");
});

test("an archive without the program is refused, and leaves nothing", async () => {
  const bytes = await archive();
  const server = await serveFiles((_request, response) => response.end(bytes));
  const home = folder();
  const got = fetchRelease("pulumi", { url: server.url, member: "bin/pulumi", sha256: sha256Of(bytes) }, { home });
  await expect(got).rejects.toMatchObject({ code: "E_RELEASE" });
  expect(readdirSync(toolFolder("pulumi", home))).toEqual([]);
});

test("another file is refused before it is opened", async () => {
  const bytes = await archive();
  const server = await serveFiles((_request, response) => response.end(bytes));
  const home = folder();
  const got = fetchRelease("pulumi", { url: server.url, member: "pulumi/pulumi", sha256: "0".repeat(64) }, { home });
  await expect(got).rejects.toMatchObject({ code: "E_CHECKSUM" });
  expect(existsSync(toolPath("pulumi", home))).toBe(false);
});
