import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { Agent } from "undici";
import { afterAll, describe, expect, test } from "vitest";
import { download } from "../../../src/machines/tools/download.ts";
import { sendRange, serveFiles } from "../../support/file-server.ts";
import { temporaryFolders } from "../../support/temporary-folder.ts";

const folder = temporaryFolders();
const file = randomBytes(3_000_000);
const sha256 = createHash("sha256").update(file).digest("hex");
const dispatcher = new Agent();
afterAll(() => dispatcher.close());

const path = () => join(folder(), "program");
const fetched = (to: string) => readFileSync(to).equals(file) && !existsSync(`${to}.part`);

/** Promises the rest of the file, sends some of it, and closes the connection. */
function breakOff(request: IncomingMessage, response: ServerResponse, bytes: number): void {
  const from = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
  const length = { "content-length": file.length - from, connection: "close" };
  if (from === 0) response.writeHead(200, length);
  else response.writeHead(206, { ...length, "content-range": `bytes ${from}-${file.length - 1}/${file.length}` });
  response.end(file.subarray(from, from + bytes));
}

describe("a download", () => {
  test("is the file, and says how far it is", async () => {
    const server = await serveFiles((request, response) => sendRange(request, response, file));
    const to = path();
    const seen: number[] = [];
    await download(server.url, to, { sha256, dispatcher, onBytes: (bytes, total) => seen.push(bytes / total) });
    expect(fetched(to)).toBe(true);
    expect(seen.at(-1)).toBe(1);
    expect(server.ranges).toEqual([""]);
  });

  test("goes on where a broken connection left it", async () => {
    const server = await serveFiles((request, response, nth) =>
      nth > 2 ? sendRange(request, response, file) : breakOff(request, response, 1_000_000),
    );
    const to = path();
    await download(server.url, to, { sha256, dispatcher });
    expect(fetched(to)).toBe(true);
    // Not to the byte: what was on its way to the disk when the connection broke is fetched again.
    const [first, ...later] = server.ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0));
    expect([first, later.length]).toEqual([0, 2]);
    expect((later[0] ?? 0) > 500_000 && (later[1] ?? 0) > (later[0] ?? 0) + 500_000).toBe(true);
  });

  test("goes on where a killed run left it", async () => {
    const server = await serveFiles((request, response) => sendRange(request, response, file));
    const to = path();
    writeFileSync(`${to}.part`, file.subarray(0, 2_500_000));
    await download(server.url, to, { sha256, dispatcher });
    expect(fetched(to)).toBe(true);
    expect(server.ranges).toEqual(["bytes=2500000-"]);
  });

  test("starts over where the server knows no ranges", async () => {
    const server = await serveFiles((_request, response) => response.end(file));
    const to = path();
    writeFileSync(`${to}.part`, file.subarray(0, 2_500_000));
    await download(server.url, to, { sha256, dispatcher });
    expect(fetched(to)).toBe(true);
  });

  test.each([
    ["of another file", Buffer.alloc(1000)],
    ["longer than the file", Buffer.alloc(file.length + 1)],
    ["whole already, of another file", Buffer.alloc(file.length)],
  ])("starts over when the beginning that is there is %s", async (_what, part) => {
    const server = await serveFiles((request, response) => sendRange(request, response, file));
    const to = path();
    writeFileSync(`${to}.part`, part);
    await download(server.url, to, { sha256, dispatcher });
    expect(fetched(to)).toBe(true);
  });
});

describe("a download that must not be used", () => {
  test("is of another content", async () => {
    const other = Buffer.from(file);
    other[17] = (other[17] ?? 0) ^ 1;
    const server = await serveFiles((request, response) => sendRange(request, response, other));
    const to = path();
    await expect(download(server.url, to, { sha256, dispatcher })).rejects.toMatchObject({ code: "E_CHECKSUM" });
    expect([existsSync(to), existsSync(`${to}.part`)]).toEqual([false, false]);
  });

  test("ends early every time: what came is kept for the next run", async () => {
    const server = await serveFiles((request, response, nth) => breakOff(request, response, nth === 1 ? 1_000_000 : 0));
    const to = path();
    await expect(download(server.url, to, { sha256, dispatcher })).rejects.toMatchObject({ code: "E_DOWNLOAD" });
    expect(existsSync(to)).toBe(false);
    expect(readFileSync(`${to}.part`).length).toBeGreaterThan(500_000);
  });

  test("ends early without saying so", async () => {
    const server = await serveFiles((_request, response) => {
      response.write(file.subarray(0, 1_000_000));
      response.end();
    });
    const to = path();
    await expect(download(server.url, to, { sha256, dispatcher })).rejects.toMatchObject({ code: "E_CHECKSUM" });
    expect(existsSync(to)).toBe(false);
  });

  test.each([404, 403, 500])("is answered with %i", async (status) => {
    const server = await serveFiles((_request, response) => response.writeHead(status).end("no"));
    const failure = download(`${server.url}/x`.replace("//", "//me:secret@"), path(), { sha256, dispatcher });
    await expect(failure).rejects.toMatchObject({ code: "E_DOWNLOAD", why: `the server answered ${status}` });
    await expect(failure).rejects.not.toThrow("secret");
    expect(server.ranges).toEqual([""]);
  });

  test("cannot be reached", async () => {
    const failure = download("http://127.0.0.1:1/x", path(), { sha256, dispatcher });
    await expect(failure).rejects.toMatchObject({ code: "E_DOWNLOAD" });
  });

  test("is interrupted: what came is kept", async () => {
    const controller = new AbortController();
    const server = await serveFiles((_request, response) => {
      response.writeHead(200, { "content-length": file.length });
      response.write(file.subarray(0, 1_000_000));
    });
    const to = path();
    const onBytes = (bytes: number) => {
      if (bytes > 500_000) controller.abort(new Error("Ctrl-C"));
    };
    await expect(download(server.url, to, { sha256, dispatcher, signal: controller.signal, onBytes })).rejects.toThrow(
      "Ctrl-C",
    );
    expect(existsSync(`${to}.part`)).toBe(true);
  });
});
