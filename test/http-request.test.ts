import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Agent, EnvHttpProxyAgent } from "undici";
import { expect, test } from "vitest";
import { nearby, request } from "../src/http-request.ts";
import { certificateForLoopback } from "./support/certificate.ts";
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

test.each([
  ["an agent", Agent],
  ["an agent that knows of proxies", EnvHttpProxyAgent],
])("%s speaks HTTP/1.1 to a server that offers HTTP/2", async (_what, Kind) => {
  const { cert, key } = certificateForLoopback();
  const server = createSecureServer({ cert, key, allowHTTP1: true }, ({ httpVersion }, response) => {
    response.end(httpVersion);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const dispatcher = new Kind({ connect: { ca: cert } });
  try {
    const { body } = await request(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { dispatcher });
    expect(await body.text()).toBe("1.1");
  } finally {
    await dispatcher.destroy();
    server.close();
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
