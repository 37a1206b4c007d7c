import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Decided, Hands } from "../../src/reconciler/actions/hands.ts";
import { type GatewayHeard, Gateways } from "../../src/reconciler/gateways.ts";
import { tellMove } from "../../src/reconciler/spread.ts";
import { deafPort } from "../support/deaf-port.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { listenOnLoopback } from "./loopback.ts";

test("a move is heard when it happens, counts every half second", async () => {
  const gateway = await FakeGateway.start();
  gateway.requests = { a: 3, b: 0 };
  const changed = vi.fn();
  const heard = vi.fn();
  const gateways = new Gateways(() => "admin", changed, heard);
  gateways.follow([gateway.url]);
  try {
    await vi.waitUntil(() => gateways.heard.has(gateway.url), { timeout: 20_000 });
    await delay(250);
    gateway.moveTo("b");
    const movedMs = performance.now();
    await vi.waitUntil(() => gateways.heard.get(gateway.url)?.active === "b", { interval: 5 });
    // Well before the next question would have found it.
    expect(performance.now() - movedMs).toBeLessThan(400);
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

test("one that has no request is asked once a second, and a move of it is heard at once", async () => {
  const gateway = await FakeGateway.start();
  const heard = vi.fn();
  const gateways = new Gateways(
    () => "admin",
    () => {},
    heard,
  );
  gateways.follow([gateway.url]);
  try {
    await vi.waitUntil(() => gateways.heard.has(gateway.url), { timeout: 20_000 });
    await delay(250);
    const before = heard.mock.calls.length;
    await delay(2_200);
    expect(heard.mock.calls.length - before).toBeGreaterThanOrEqual(1);
    expect(heard.mock.calls.length - before).toBeLessThanOrEqual(3);
    gateway.moveTo("b");
    const movedMs = performance.now();
    await vi.waitUntil(() => gateways.heard.get(gateway.url)?.active === "b", { interval: 5 });
    expect(performance.now() - movedMs).toBeLessThan(800);
  } finally {
    gateways.close();
    await gateway.close();
  }
});

test("who only looks on asks less often and hears a move at once; who begins to decide asks anew", async () => {
  const gateway = await FakeGateway.start();
  gateway.requests = { a: 3, b: 0 };
  const heard = vi.fn();
  const gateways = new Gateways(
    () => "admin",
    () => {},
    heard,
  );
  gateways.pace(false);
  gateways.follow([gateway.url]);
  const countIn = async (ms: number): Promise<number> => {
    const before = heard.mock.calls.length;
    await delay(ms);
    return heard.mock.calls.length - before;
  };
  try {
    await vi.waitUntil(() => gateways.heard.has(gateway.url), { timeout: 20_000 });
    expect(await countIn(3_200)).toBeLessThanOrEqual(3);
    expect(gateways.present(performance.now())).toHaveLength(1);
    gateway.moveTo("b");
    const movedMs = performance.now();
    await vi.waitUntil(() => gateways.heard.get(gateway.url)?.active === "b", { interval: 5 });
    expect(performance.now() - movedMs).toBeLessThan(800);
    await delay(100);
    gateways.pace(true);
    // Not after what is left of the long wait.
    expect(await countIn(300)).toBeGreaterThanOrEqual(1);
    expect(await countIn(1_200)).toBeGreaterThanOrEqual(2);
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

test("a move is told to all at once, with why and the members; nobody waits for one that is away", async () => {
  const fakes = await Promise.all([FakeGateway.start(), FakeGateway.start()]);
  const gateways = new Gateways(
    () => "admin",
    () => {},
  );
  gateways.follow(fakes.map(({ url }) => url));
  const members = { a: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-e"] };
  const servers = { "gpu-a": { agent: "http://agent", engine: "http://engine" } };
  const decided = {
    knowledge: { moment: { monoMs: performance.now() }, cluster: { service: { spec: { servers } } } },
    observation: { workloads: new Map(Object.entries(members).map(([id, names]) => [id, { members: names }])) },
    reason: "a: gpu-a, port mlx5_0/1: the port is down",
  } as unknown as Decided;
  const assertLeader = vi.fn();
  const move = { kind: "set-active", group: "b", epoch: 7, why: "failover" } as const;
  try {
    await vi.waitUntil(() => gateways.heard.size === 2, { timeout: 20_000 });
    (fakes[0] as FakeGateway).isAway = true;
    await tellMove({ assertLeader } as unknown as Hands, decided, move, gateways);
    expect(fakes[1]?.told).toEqual([
      { active: "b", epoch: 7, reason: decided.reason, why: "failover", members, servers },
    ]);
    expect(fakes[1]?.active).toBe("b");
    expect(assertLeader).toHaveBeenCalledOnce();
    // Told a moment ago: it is not told again with the next look at the cluster.
    expect(gateways.behind({ epoch: 7, members }, performance.now())).toEqual([]);
  } finally {
    gateways.close();
    await Promise.all(fakes.map((one) => one.close()));
  }
});

async function firstWord(gateways: Gateways, { url }: FakeGateway): Promise<GatewayHeard> {
  gateways.follow([url]);
  return vi.waitUntil(() => gateways.heard.get(url), { timeout: 20_000 });
}

test("a gateway whose server lost its power holds no move up", async () => {
  const fake = await FakeGateway.start();
  const deaf = await deafPort();
  const gateways = new Gateways(
    () => "admin",
    () => {},
  );
  try {
    const heard = await firstWord(gateways, fake);
    gateways.heard.set(deaf.url, { ...heard, url: deaf.url });
    const decided = {
      knowledge: { moment: { monoMs: heard.heardMs }, cluster: { service: { spec: { servers: {} } } } },
      observation: { workloads: new Map() },
      reason: "",
    } as unknown as Decided;
    const move = { kind: "set-active", group: "b", epoch: 7, why: "failover" } as const;
    const began = performance.now();
    await tellMove({ assertLeader: () => {} } as unknown as Hands, decided, move, gateways);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await gateways.tell(deaf.url, { active: "b", epoch: 7, reason: "", members: {} })).toBe(false);
    // A request that waits for its connection does not end with its signal in undici: both took eleven seconds.
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(fake.active).toBe("b");
  } finally {
    gateways.close();
    await Promise.all([fake.close(), deaf.close()]);
  }
});

test("a gateway is told of a server that is added, and of nothing that it knows", async () => {
  const fake = await FakeGateway.start();
  const gateways = new Gateways(
    () => "admin",
    () => {},
  );
  try {
    const heard = await firstWord(gateways, fake);
    const at = (agent: string) => ({ agent, engine: `${agent}:30000` });
    const behind = (servers: Record<string, { agent: string; engine: string }>, known: Record<string, string>) => {
      const said = Object.entries(known).map(
        ([name, agent]) => [name, { stream: "open" as const, silentMs: 0, agent }] as const,
      );
      gateways.heard.set(fake.url, { ...heard, said: { ...heard.said, servers: Object.fromEntries(said) } });
      const word = { epoch: heard.role.epoch, members: heard.members, servers };
      return gateways.behind(word, heard.heardMs).length;
    };
    const two = { "gpu-a": at("http://a"), "gpu-b": at("http://b") };
    expect(behind(two, { "gpu-a": "http://a", "gpu-b": "http://b" })).toBe(0);
    expect(behind(two, { "gpu-a": "http://a" })).toBe(1);
    expect(behind(two, { "gpu-a": "http://a", "gpu-b": "http://elsewhere" })).toBe(1);
    expect(behind(two, { "gpu-a": "http://a", "gpu-b": "http://b", "gpu-c": "http://c" })).toBe(1);
    // An older release does not say where it listens, and takes no servers.
    expect(behind(two, {})).toBe(0);
  } finally {
    gateways.close();
    await fake.close();
  }
});
