import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { pino } from "pino";
import { expect, test } from "vitest";
import { parseGatewayConfig } from "../../src/gateway/config.ts";
import { serveGateway } from "../../src/gateway/serve.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, AUTH, chat, configFor } from "./gateway-fixture.ts";

const MIB = 2 ** 20;

test("a client that reads nothing pauses the engine's connection, is given up, and fills no memory", {
  timeout: 60_000,
}, async () => {
  // An engine that writes as fast as it is read: the emulated one is too slow to fill the kernel's buffers.
  let written = 0;
  const frame = (text: string) =>
    `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"deepseek-v3","choices":[{"index":0,"delta":{"reasoning_content":null,"content":"${text}"},"logprobs":null,"finish_reason":null,"matched_stop":null}]}\n\n`;
  const block = frame("y".repeat(900)).repeat(60);
  const engine = createServer((request, response) => {
    request.resume();
    if (request.url === "/v1/completions") return void response.end("{}");
    response.writeHead(200, { "content-type": "text/event-stream" });
    const write = () => {
      while (!response.destroyed && written < 1024 * MIB) {
        written += block.length;
        if (!response.write(block)) return void response.once("drain", write);
      }
    };
    write();
  }).listen(0, "127.0.0.1");
  await once(engine, "listening");
  const url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}`;
  const limits = { slowClientMs: 1500, maxTextBytes: 1024 * MIB, drainMs: 100 };
  const gateway = await serveGateway(
    parseGatewayConfig(configFor({ a: [url], b: [url] }, {}, { limits })),
    { agentToken: AGENT_TOKEN, adminToken: ADMIN_TOKEN, engineKey: null },
    { subscribe, log: pino({ level: "silent" }) },
  );
  const before = process.memoryUsage().rss;
  const sockets = Array.from({ length: 8 }, (_, id) => {
    const socket = createConnection(Number(new URL(gateway.url).port), "127.0.0.1").pause();
    socket.on("error", () => {});
    const body = JSON.stringify(chat(`slow${id}`, 10, 5).body);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: ${AUTH.authorization}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    return socket;
  });
  const requests = () => gateway.gateway.status.requests;
  while (requests() < 8) await new Promise((resolve) => setTimeout(resolve, 5));
  const begun = performance.now();
  while (requests() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(performance.now() - begun).toBeGreaterThan(1000);
  // What the kernel holds for eight pairs of connections, and no more.
  expect(written / MIB).toBeLessThan(8 * 24);
  expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(300);
  for (const socket of sockets) socket.destroy();
  await gateway.stop();
  engine.close();
  engine.closeAllConnections();
});
