import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleProgram } from "../../src/machines/images/bundle-program.ts";

// Beside the packages, so that they are found from there.
const folder = mkdtempSync(join(process.cwd(), "test/machines/.slim-"));
const server = createServer((request, response) => {
  response.writeHead(200, { "x-method": request.method }).end(request.url);
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function bundled(source: string): Promise<string> {
  const entry = join(folder, "program.ts");
  writeFileSync(entry, source);
  const file = join(folder, "program.mjs");
  writeFileSync(file, (await bundleProgram(pathToFileURL(entry), { format: "esm" })).content);
  return file;
}

test("a bundled program asks over HTTP, and says in English what is wrong with an answer", async () => {
  const { port } = server.address() as AddressInfo;
  const file = await bundled(`
    import { Agent, request } from "undici";
    import { z } from "zod";
    const dispatcher = new Agent({ connections: 1 });
    const plain = await request("http://127.0.0.1:${port}/a?b=c");
    const posted = await request(new URL("http://127.0.0.1:${port}/d"), { dispatcher, method: "POST", body: "x" });
    console.log(await plain.body.text(), plain.headers["x-method"], await posted.body.text(), posted.headers["x-method"]);
    console.log(z.prettifyError(z.object({ n: z.number() }).safeParse({ n: "1" }).error));
    await dispatcher.close();
    process.exit(0);
  `);
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  expect(stdout.split("\n").slice(0, 2)).toEqual([
    "/a?b=c GET /d POST",
    "✖ Invalid input: expected number, received string",
  ]);
});

test("what was left out is missed when a program is built, not when it runs", async () => {
  await expect(bundled('import { fetch } from "undici"; console.log(fetch);')).rejects.toThrow(/fetch/);
});
