import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { parseGatewayConfig } from "../../src/gateway/config.ts";
import { OpenAnswers } from "../../src/gateway/http/open-answers.ts";
import { type RunningGateway, serveGateway } from "../../src/gateway/serve.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { FakeEngine } from "./fake-engine.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, AUTH, ask, chat, configFor } from "./gateway-fixture.ts";

const CHAT = "/v1/chat/completions";
let engine: FakeEngine;
let gateway: RunningGateway;
afterEach(async () => {
  engine.finish();
  await gateway.stop();
  engine.close();
});

async function start(limits: object = {}): Promise<void> {
  engine = await FakeEngine.start();
  gateway = await serveGateway(
    parseGatewayConfig(configFor({ a: [engine.url], b: [engine.url] }, {}, { limits })),
    { agentToken: AGENT_TOKEN, adminToken: ADMIN_TOKEN, engineKey: null },
    { subscribe, log: pino({ level: "silent" }) },
  );
}

const statusOf = async (url: string) => (await fetch(`${url}/healthz`)).status;
const stream = () => ask(gateway.url, CHAT, chat("x", 5, 5).body);
const under = async (requests: number) => {
  while (gateway.gateway.status.requests !== requests || engine.open.size !== requests)
    await new Promise((resolve) => setTimeout(resolve, 5));
};

test("while answers run the replica keeps the address and takes new requests, then it gives both up", async () => {
  await start();
  const first = await stream();
  const stopped = gateway.stop();
  // Probes and load balancers know at once; the keeper of the address must not.
  expect([await statusOf(gateway.url), await statusOf(gateway.adminUrl)]).toEqual([503, 200]);
  const second = await stream();
  expect(second.status).toBe(200);
  await under(2);
  engine.finish();
  for (const answer of [first, second]) expect(await answer.text()).toContain("data: [DONE]");
  await stopped;
  await expect(statusOf(gateway.adminUrl)).rejects.toThrow();
  await expect(stream()).rejects.toThrow();
});

test("what still runs at the end of the grace ends with an error that says why, not with a reset", async () => {
  await start({ drainMs: 300 });
  const streamed = await stream();
  const whole = ask(gateway.url, CHAT, { ...chat("x", 5, 5).body, stream: false });
  await under(2);
  const stopped = gateway.stop();
  const text = await streamed.text();
  expect(text).toContain('"code":"draining"');
  expect(text).not.toContain("[DONE]");
  const refused = await whole;
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await refused.json()).toMatchObject({ error: { code: "draining" } });
  await stopped;
});

test("a replica that has given the address up refuses what still comes to it", async () => {
  await start({ drainMs: 100 });
  const body = JSON.stringify(chat("x", 5, 5).body);
  const socket = createConnection(Number(new URL(gateway.url).port), "127.0.0.1");
  socket.write(
    `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: ${AUTH.authorization}\r\ncontent-length: ${body.length + 1}\r\n\r\n${body}`,
  );
  // The question lacks its last byte: the replica has it in hand, and no answer runs.
  await once(socket, "connect");
  expect(await statusOf(gateway.url)).toBe(200);
  const stopped = gateway.stop();
  while ((await statusOf(gateway.adminUrl)) !== 503) await new Promise((resolve) => setTimeout(resolve, 5));
  const refused = await stream();
  expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: "draining" } }]);
  let answer = "";
  socket.on("data", (data) => (answer += data));
  socket.write(" ");
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1\.1 503 .*"code":"draining"/s);
  await stopped;
});

test("a replica without requests ends at once, whatever connections clients keep", async () => {
  await start();
  expect((await fetch(`${gateway.url}/v1/models`, { headers: AUTH })).status).toBe(200);
  const begun = performance.now();
  await gateway.stop();
  expect(performance.now() - begun).toBeLessThan(1000);
});

test("the end of an answer that its client has not read yet is not thrown away", async () => {
  const length = 32 * 2 ** 20;
  const answers = new OpenAnswers();
  const server = createServer((_request, response) => {
    answers.add(response);
    response.end("y".repeat(length));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const waited = answers.over(60_000).then(() => {
    server.close();
    server.closeAllConnections();
  });
  expect((await answer.text()).length).toBe(length);
  await waited;
});
