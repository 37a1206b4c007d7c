import { once } from "node:events";
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
