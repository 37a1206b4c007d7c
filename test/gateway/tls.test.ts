import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { openStream } from "../../src/drill/client.ts";
import { isPerfect, judgeStream } from "../../src/drill/judge.ts";
import type { StreamRequest } from "../../src/drill/stream-request.ts";
import { tlsServer } from "../../src/stream/tls.ts";
import { certificateForLoopback } from "../support/certificate.ts";
import { BreakingProxy } from "./breaking-proxy.ts";
import { KEY, startWorld, type World } from "./gateway-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "gateway-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));
const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
function write(pair: { cert: string; key: string }): void {
  writeFileSync(files.cert, pair.cert);
  writeFileSync(files.key, pair.key);
}

describe("clients come over TLS", () => {
  const pair = certificateForLoopback();
  let world: World;
  const proxies: BreakingProxy[] = [];
  beforeAll(async () => {
    write(pair);
    world = await startWorld({
      engine: { nnodes: 1, tp: 2, flags: [] },
      config: {
        listen: { host: "127.0.0.1", port: 0, tls: files },
        model: { name: "deepseek-v3", parser: null, templateOpensThink: true, contextLength: 65_536 },
      },
      proxied: async (url) => {
        const proxy = await BreakingProxy.before(url);
        proxies.push(proxy);
        return proxy.url;
      },
    });
  });
  afterAll(async () => {
    await world.close();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
  const request: StreamRequest = {
    name: "stream-1-of-tls",
    kind: "chat",
    prompt: "stream-1-of-tls answer=300 rack",
    answerTokens: 300,
    reasoningTokens: 0,
    opensThink: false,
    maxTokens: 400,
  };

  test("a stream is carried on over one connection that the client's authority vouches for", async () => {
    let crashed = false;
    const stream = openStream(request, {
      baseUrl: `${world.url}/v1`,
      apiKey: KEY,
      model: "deepseek-v3",
      ca: pair.cert,
      onPiece: ({ pieces }) => {
        if (crashed || pieces.length < 20) return;
        crashed = true;
        void proxies[0]?.crash();
      },
    });
    expect(world.url).toMatch(/^https:/);
    expect(isPerfect(judgeStream(await stream.ended))).toBe(true);
    expect(world.gateway.gateway.status.lastFailover).toMatchObject({ from: "a", to: "b", carried: 1 });
  });

  test("a client that does not know the authority sends nothing", async () => {
    const { errors, status } = await openStream(request, { baseUrl: `${world.url}/v1`, apiKey: KEY, model: "m" }).ended;
    expect([status, errors[0]?.text]).toEqual([null, expect.stringMatching(/self-signed certificate/)]);
  });

  test("plain HTTP on that port is answered by no one", async () => {
    await expect(fetch(world.url.replace("https:", "http:"))).rejects.toThrow();
  });
});

describe("the certificate's files", () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const start = async () => {
    const server = tlsServer({}, files, (_request, response) => void response.end("ok"), log, 20).listen(
      0,
      "127.0.0.1",
    );
    await once(server, "listening");
    return { server, port: (server.address() as { port: number }).port };
  };
  let stop = () => {};
  afterEach(() => stop());
  const nameAt = async (port: number): Promise<string> => {
    const socket: TLSSocket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  };

  test("are followed: a renewed certificate is shown to the next client", async () => {
    write(certificateForLoopback("first"));
    const { server, port } = await start();
    stop = () => void server.close();
    expect(await nameAt(port)).toBe("first");
    write(certificateForLoopback("second"));
    await vi.waitUntil(async () => (await nameAt(port)) === "second", { interval: 20, timeout: 20_000 });
  });

  test("half of a renewal changes nothing, and is said", async () => {
    write(certificateForLoopback("whole"));
    const { server, port } = await start();
    stop = () => void server.close();
    writeFileSync(files.key, certificateForLoopback("other").key);
    await vi.waitUntil(() => lines.some((line) => line.includes("cannot be used yet")), {
      interval: 20,
      timeout: 20_000,
    });
    expect(await nameAt(port)).toBe("whole");
  });

  test.each<[string, () => void]>([
    ["is missing", () => rmSync(files.cert)],
    ["is no PEM", () => writeFileSync(files.cert, "no certificate")],
    ["belongs to another key", () => writeFileSync(files.cert, certificateForLoopback("x").cert)],
  ])("a certificate that %s is refused at the start", (_name, spoil) => {
    write(certificateForLoopback());
    spoil();
    expect(() => tlsServer({}, files, () => {}, log)).toThrow(expect.objectContaining({ code: "E_TLS" }));
  });
});
