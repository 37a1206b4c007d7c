import { afterEach, beforeEach, expect, test } from "vitest";
import { parseGatewayConfig } from "../../src/gateway/config.ts";
import { type RunningGateway, serveGateway } from "../../src/gateway/serve.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import { FakeEngine } from "./fake-engine.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, AUTH, ask, chat, configFor, KEY, logTo } from "./gateway-fixture.ts";

const CHAT = "/v1/chat/completions";
const SECRET = "a-secret-of-the-client";
const lines: string[] = [];
let engine: FakeEngine;
let gateway: RunningGateway;
beforeEach(async () => {
  lines.splice(0);
  engine = await FakeEngine.start();
  gateway = await serveGateway(
    parseGatewayConfig(configFor({ a: [engine.url], b: [engine.url] }, {}, { limits: { drainMs: 100 } })),
    { agentToken: AGENT_TOKEN, adminToken: ADMIN_TOKEN, engineKey: null },
    { subscribe, log: logTo((line) => void lines.push(line)) },
  );
});
afterEach(async () => {
  engine.finish();
  await gateway.stop();
  engine.close();
  // Whatever happened: neither what was asked nor a key is in the log.
  for (const secret of [SECRET, KEY]) expect(lines.join("")).not.toContain(secret);
});

/** The lines about one request. */
async function linesOf(response: Response): Promise<object[]> {
  await response.text().catch(() => {});
  const id = response.headers.get("x-request-id");
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const mine = () =>
    lines.map((line) => JSON.parse(line) as { request?: string }).filter(({ request }) => request === id);
  for (const end = performance.now() + 300; mine().length === 0 && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 5));
  return mine();
}

const { body } = chat(SECRET, 5, 5);
test.each<[string, () => Promise<Response>, object]>([
  [
    "a wrong key",
    () => ask(gateway.url, CHAT, body, { authorization: `Bearer ${SECRET}` }),
    { key: null, status: 401, code: "invalid_api_key" },
  ],
  [
    "another model",
    () => ask(gateway.url, CHAT, { ...body, model: SECRET }),
    { key: "test", status: 404, code: "model_not_found" },
  ],
  [
    "a field of another type",
    () => ask(gateway.url, CHAT, { ...body, [SECRET]: 1, n: SECRET }),
    { key: "test", status: 400, code: null },
  ],
  [
    "a path that is not there",
    () => ask(gateway.url, `/v1/${SECRET}`, body),
    { key: "test", status: 404, code: "not_found" },
  ],
])("%s is one line, by the id that the client has", async (_name, send, expected) => {
  expect(await linesOf(await send())).toMatchObject([{ ...expected, level: 30, msg: "request refused" }]);
});

test("a request that is refused after it was taken, and a stream that is cut, are one line each", async () => {
  const streamed = await ask(gateway.url, CHAT, body);
  const whole = ask(gateway.url, CHAT, { ...body, stream: false });
  while (gateway.gateway.status.requests < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  gateway.gateway.traffic.shed("a test", 1);
  const common = { key: "test", code: "no_group", level: 40 };
  expect(await linesOf(streamed)).toMatchObject([{ ...common, status: 200, msg: "request interrupted" }]);
  expect(await linesOf(await whole)).toMatchObject([{ ...common, status: 503, msg: "request refused" }]);
});

test("a request that got its answer has an id and no line, and neither has a probe", async () => {
  const response = await ask(gateway.url, CHAT, body);
  engine.finish();
  expect(await linesOf(response)).toEqual([]);
  expect(await linesOf(await fetch(`${gateway.url}/v1/models`, { headers: AUTH }))).toEqual([]);
  gateway.gateway.leaving = "drains";
  const probe = await fetch(`${gateway.url}/healthz`);
  expect([probe.status, await linesOf(probe)]).toEqual([503, []]);
});
