import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { watchEngine } from "../../src/agent/engine/watch-engine.ts";
import type { EngineArguments } from "../../src/agent/processes/engine-arguments.ts";
import type { Evidence } from "../../src/health/evidence.ts";

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** An engine that takes connections and never answers, and what an agent tells of it. */
async function silentEngine() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const told: string[] = [];
  const emit = (evidence: Evidence) => {
    if (evidence.kind === "monitor") told.push(evidence.state);
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const watch = watchEngine({ url, everyMs: 10, timeoutMs: 50, emit });
  ends.push(() => {
    watch.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const launcher = (nodeRank: number) => ({
    pid: 7,
    startTicks: 1,
    group: "a",
    engine: { nodeRank, host: "127.0.0.1", port: 1, apiKey: null } as unknown as EngineArguments,
  });
  return { watch, told, launcher };
}

/** An engine that says how many requests it has, and counts what it is asked for. */
async function engineWith(requests: { running: number; tokens: number }) {
  const asked: string[] = [];
  const answers: Record<string, () => string> = {
    "/ready": () => "{}",
    "/v1/loads": () => JSON.stringify({ loads: [{ num_running_reqs: requests.running, num_waiting_reqs: 0 }] }),
    "/metrics": () => `# TYPE\nsglang:generation_tokens_total{model_name="m"} ${requests.tokens}\n`,
  };
  const server = createHttpServer(({ url = "" }, response) => {
    asked.push(url);
    response.end(answers[url]?.());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const told: number[] = [];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const emit = (evidence: Evidence) => {
    if (evidence.kind === "engine") told.push(evidence.tokensTotal);
  };
  const watch = watchEngine({ url, everyMs: 10, timeoutMs: 1_000, emit });
  ends.push(() => {
    watch.stop();
    server.closeAllConnections();
    server.close();
  });
  const engine = { nodeRank: 0, host: "127.0.0.1", port: 1, apiKey: null } as unknown as EngineArguments;
  watch.follow({ pid: 7, startTicks: 1, group: "a", engine });
  return { asked, told, count: (path: string) => asked.filter((one) => one === path).length };
}

test("an engine that rests is asked for its metrics at every fourth look, one that works at each", async () => {
  const requests = { running: 0, tokens: 40 };
  const { told, count } = await engineWith(requests);
  await expect.poll(() => told.length).toBeGreaterThan(12);
  expect(told[0], "the first look asks for everything").toBe(40);
  expect(count("/metrics")).toBeLessThanOrEqual(Math.ceil(count("/v1/loads") / 4) + 1);
  expect(count("/metrics")).toBeGreaterThanOrEqual(Math.floor(count("/v1/loads") / 4));
  requests.running = 1;
  const before = { metrics: count("/metrics"), loads: count("/v1/loads"), told: told.length };
  await expect.poll(() => told.length - before.told).toBeGreaterThan(8);
  expect(count("/metrics") - before.metrics).toBeGreaterThanOrEqual(count("/v1/loads") - before.loads - 2);
});

test("the last tokens of a request are told by the look that does not find it any more", async () => {
  const requests = { running: 1, tokens: 40 };
  const { told } = await engineWith(requests);
  await expect.poll(() => told.length).toBeGreaterThan(2);
  Object.assign(requests, { running: 0, tokens: 55 });
  const before = told.length;
  await expect.poll(() => told.length).toBeGreaterThan(before + 3);
  expect(told[before + 1]).toBe(55);
});

// Seen on a cluster: the leader of the group was on another server from then on, and no failover to it was called possible.
test.each(["gone", "elsewhere"])("an engine that hung is nobody's trouble once its leader is %s", async (where) => {
  const { watch, told, launcher } = await silentEngine();
  watch.follow(launcher(0));
  await expect.poll(() => told).toEqual(["hung"]);
  watch.follow(where === "gone" ? null : launcher(1));
  expect(told).toEqual(["hung", "working"]);
  watch.follow(null);
  expect(told, "told once").toHaveLength(2);
});
