import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Child } from "../../src/drill/world/child.ts";
import { freePort } from "../support/free-port.ts";
import { FakeEngine } from "./fake-engine.ts";
import { ADMIN_TOKEN, AGENT_TOKEN, AUTH, ask, chat, configFor } from "./gateway-fixture.ts";

const CHAT = "/v1/chat/completions";
const MAIN = new URL("../../src/gateway/main.ts", import.meta.url).pathname;
let folder: string;
let engine: FakeEngine;
let replicas: Child[];
let url: string;
let admin: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hand-over-"));
  engine = await FakeEngine.start();
  replicas = [];
  const [api, operators] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${api}`;
  admin = `http://127.0.0.1:${operators}`;
  const config = configFor(
    { a: [engine.url], b: [engine.url] },
    {},
    {
      listen: { host: "127.0.0.1", port: api },
      admin: { host: "127.0.0.1", port: operators },
      sharedPorts: true,
      siblings: [admin],
      limits: { drainMs: 500 },
    },
  );
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
});
afterEach(async () => {
  engine.finish();
  await Promise.all(replicas.map((replica) => replica.kill()));
  engine.close();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<Child> {
  const replica = new Child({
    name: `replica ${replicas.length + 1}`,
    script: MAIN,
    args: [join(folder, "config.json")],
    env: { TANDEM_AGENT_TOKEN: AGENT_TOKEN, TANDEM_ADMIN_TOKEN: ADMIN_TOKEN },
  });
  replicas.push(replica);
  await replica.printed("gateway serves");
  return replica;
}

const instance = async () => ((await (await fresh("GET", `${admin}/healthz`)).json()) as { instance: string }).instance;
/** Over a connection of its own: a kept one says nothing about who listens now. */
const fresh = (method: string, to: string, body?: object) =>
  fetch(to, {
    method,
    headers: { connection: "close", authorization: `Bearer ${ADMIN_TOKEN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const stream = () => ask(url, CHAT, chat("x", 5, 5).body, { ...AUTH, connection: "close" });

test("a successor takes the ports over; what runs goes on past the end of the grace, and new requests are not refused", async () => {
  const old = await start();
  const before = await instance();
  const running = await stream();
  const next = await start();
  process.kill(old.pid, "SIGTERM");
  await old.printed("a successor serves the same ports");
  await vi.waitUntil(async () => (await instance()) !== before);
  for (let again = 0; again < 20; again++) expect(await instance()).not.toBe(before);
  const later = await stream();
  expect((await fresh("GET", `${url}/healthz`)).status).toBe(200);
  // Twice its grace without a successor.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect([old.alive, engine.open.size]).toEqual([true, 2]);
  engine.finish();
  for (const answer of [running, later]) expect(await answer.text()).toContain("data: [DONE]");
  await old.exited;
  expect(next.alive).toBe(true);
});

test("the old replica hears from its successor what that is told", async () => {
  const old = await start();
  const running = await stream();
  await start();
  process.kill(old.pid, "SIGTERM");
  await old.printed("a successor serves the same ports");
  await vi.waitUntil(async () => {
    const role = { active: "b", epoch: 9, reason: "moved by hand" };
    return [200, 409].includes((await fresh("PUT", `${admin}/role`, role)).status);
  });
  await old.printed("planned switch");
  engine.finish();
  expect(await running.text()).toContain("data: [DONE]");
});

test("an operator that keeps its connection, and asks for news on it, is let go as well", async () => {
  const old = await start();
  const running = await stream();
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const status = async (query: string) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const [response] = await once(request(`${admin}/status${query}`, { agent: kept, headers }).end(), "response");
    let text = "";
    for await (const part of response) text += part;
    return JSON.parse(text) as { version: number; draining: boolean };
  };
  const { version } = await status("");
  const news = status(`?after=${version}&wait=2000`);
  await start();
  process.kill(old.pid, "SIGTERM");
  await old.printed("a successor serves the same ports");
  await news;
  expect((await status("")).draining, "the successor answers").toBe(false);
  kept.destroy();
  engine.finish();
  await running.text();
  await old.exited;
});

test("a client that keeps its connection is told to make another", async () => {
  const old = await start();
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const models = async () => {
    const sent = request(`${url}/v1/models`, { agent: kept, headers: AUTH }).end();
    const [response] = await once(sent, "response");
    response.resume();
    await once(response, "end");
    return [response.statusCode, response.headers.connection];
  };
  const running = await stream();
  expect(await models()).toEqual([200, "keep-alive"]);
  // A request whose head the old replica has; its body comes when that has handed over.
  const body = JSON.stringify(chat("x", 5, 5).body);
  const headers = { ...AUTH, "content-type": "application/json", "content-length": body.length };
  const slow = request(url + CHAT, { method: "POST", headers });
  slow.write(body.slice(0, 10));
  await start();
  process.kill(old.pid, "SIGTERM");
  await old.printed("a successor serves the same ports");
  slow.end(body.slice(10));
  await once(slow, "response");
  expect((await models())[0]).toBe(200);
  engine.finish();
  await running.text();
  await old.exited;
  expect((await models())[0]).toBe(200);
  kept.destroy();
});

test("without a successor a replica ends after its grace, as ever", async () => {
  const only = await start();
  const running = await stream();
  process.kill(only.pid, "SIGTERM");
  expect(await running.text()).toContain('"code":"draining"');
  await only.exited;
});
