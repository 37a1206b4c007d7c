import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { nearby, request } from "../src/http-request.ts";
import { deafPort } from "./support/deaf-port.ts";

test("a time-out ends a request that has no connection yet", async () => {
  const port = await deafPort();
  try {
    const began = performance.now();
    const options = { signal: AbortSignal.timeout(300) };
    await expect(request(port.url, options)).rejects.toThrow(/timeout/);
    // undici alone takes ten seconds here.
    expect(performance.now() - began).toBeLessThan(5_000);
  } finally {
    await port.close();
  }
});

test("nobody waits for long for a connection to a server of the cluster", async () => {
  const port = await deafPort();
  try {
    await expect(request(port.url, { dispatcher: nearby })).rejects.toThrow(/Connect Timeout/);
  } finally {
    await port.close();
  }
});

test("an answer is passed on, a signal that is over is not waited for", async () => {
  const server = createServer((_request, response) => response.end("well"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(10_000) });
    expect(statusCode).toBe(200);
    expect(await body.text()).toBe("well");
    await expect(request(url, { signal: AbortSignal.abort(new Error("over")) })).rejects.toThrow("over");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
