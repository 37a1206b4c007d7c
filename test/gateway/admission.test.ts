import { once } from "node:events";
import { request } from "node:http";
import { createConnection } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseGatewayConfig } from "../../src/gateway/config.ts";
import { type RunningGateway, serveGateway } from "../../src/gateway/serve.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { FakeEngine } from "./fake-engine.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, AUTH, ask, chat, configFor } from "./gateway-fixture.ts";

const CHAT = "/v1/chat/completions";
const limits = { maxRequests: 2, maxHeldBodyBytes: 600_000, maxBodyBytes: 400_000, drainMs: 100 };
let engine: FakeEngine;
let gateway: RunningGateway;
beforeEach(async () => {
  engine = await FakeEngine.start();
  gateway = await serveGateway(
    parseGatewayConfig(configFor({ a: [engine.url], b: [engine.url] }, {}, { limits })),
    { agentToken: AGENT_TOKEN, adminToken: ADMIN_TOKEN, engineKey: null },
    { subscribe, log: pino({ level: "silent" }) },
  );
});
afterEach(async () => {
  engine.finish();
  await gateway.stop();
  engine.close();
});

const prompt = (bytes: number) => chat("x".repeat(bytes), 5, 5).body;
const OVERLOADED = { status: 429, retryAfter: "1", code: "overloaded" };
async function refusalOf(response: Response) {
  const { error } = (await response.json()) as { error: { code: string } };
  return { status: response.status, retryAfter: response.headers.get("retry-after"), code: error.code };
}

/** A body of which the client does not say how long it is; the answer comes while it still writes. */
async function inPieces(pieces: number): Promise<number | undefined> {
  const client = request(gateway.url + CHAT, { method: "POST", headers: AUTH });
  client.on("error", () => {});
  const answered = once(client, "response");
  for (let piece = 0; piece < pieces; piece++) client.write("y".repeat(50_000));
  const [response] = await answered;
  client.destroy();
  return response.statusCode;
}

test("a full gateway refuses a request before it has read its body", async () => {
  for (let id = 0; id < 2; id++) expect((await ask(gateway.url, CHAT, prompt(1))).status).toBe(200);
  const socket = createConnection(Number(new URL(gateway.url).port), "127.0.0.1");
  socket.write(
    `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: ${AUTH.authorization}\r\ncontent-length: 300000\r\n\r\n`,
  );
  let answer = "";
  socket.on("data", (data) => (answer += data));
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1\.1 429 .*"code":"overloaded"/s);
});

test("the bodies of all requests together are bounded, until their answers have ended", async () => {
  const first = await ask(gateway.url, CHAT, prompt(350_000));
  expect(first.status).toBe(200);
  expect(await refusalOf(await ask(gateway.url, CHAT, prompt(350_000)))).toEqual(OVERLOADED);
  // Of unknown length it is refused as soon as there is no room for more of it.
  expect(await inPieces(7)).toBe(429);
  const small = await ask(gateway.url, CHAT, prompt(1000));
  expect(small.status).toBe(200);
  engine.finish();
  await Promise.all([first.text(), small.text()]);
  expect((await ask(gateway.url, CHAT, prompt(350_000))).status).toBe(200);
});

test("a body of unknown length that is too long gets an answer, not a reset", async () => {
  expect(await inPieces(10)).toBe(413);
});

test("what was announced and did not come takes no room", async () => {
  const sockets = Array.from({ length: 5 }, () => {
    const socket = createConnection(Number(new URL(gateway.url).port), "127.0.0.1");
    const head = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: ${AUTH.authorization}\r\n`;
    socket.write(`${head}content-length: 390000\r\n\r\n${"y".repeat(10_000)}`);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  expect((await ask(gateway.url, CHAT, prompt(350_000))).status).toBe(200);
  for (const socket of sockets) socket.destroy();
});
