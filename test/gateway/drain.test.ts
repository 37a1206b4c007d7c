import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
