import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { Gateways } from "../../src/reconciler/gateways.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { listenOnLoopback } from "./loopback.ts";

test("a move is heard when it happens, counts every half second", async () => {
  const gateway = await FakeGateway.start();
  const changed = vi.fn();
  const heard = vi.fn();
  const gateways = new Gateways(() => "admin", changed, heard);
  gateways.follow([gateway.url]);
  try {
    await vi.waitUntil(() => gateways.heard.has(gateway.url));
    await delay(250);
    gateway.moveTo("b");
    const movedMs = performance.now();
    await vi.waitUntil(() => gateways.heard.get(gateway.url)?.active === "b", { interval: 5 });
    expect(performance.now() - movedMs).toBeLessThan(150);
    expect(changed).toHaveBeenCalledTimes(2);
    const before = heard.mock.calls.length;
    await delay(1_200);
    expect(heard.mock.calls.length - before).toBeGreaterThanOrEqual(2);
    expect(heard.mock.calls.length - before).toBeLessThanOrEqual(4);
  } finally {
    gateways.close();
    await gateway.close();
  }
});

test("a gateway of an older release answers at once, and is asked twice a second all the same", async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end(JSON.stringify({ active: "a", epoch: 1, role: { active: "a", epoch: 1 }, groups: {} }));
  });
  const url = await listenOnLoopback(server);
  const gateways = new Gateways(
    () => "admin",
    () => {},
  );
  gateways.follow([url]);
  try {
    await delay(1_200);
    expect(asked).toBeGreaterThanOrEqual(2);
    expect(asked).toBeLessThanOrEqual(4);
  } finally {
    gateways.close();
    server.closeAllConnections();
    server.close();
  }
});
