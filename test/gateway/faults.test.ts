import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startAgents } from "./fake-agents.ts";
import { type Engines, startEngines, startWorld, type World } from "./gateway-fixture.ts";
import { type Case, judge } from "./judge.ts";

let engines: Engines;
let world: World;
let fleet: Awaited<ReturnType<typeof startAgents>>;
beforeAll(async () => {
  engines = await startEngines();
});
afterAll(() => engines.stop());
beforeEach(async () => {
  fleet = await startAgents();
  world = await startWorld({ agents: fleet.urls, engines });
});
afterEach(async () => {
  await world.close();
  await fleet.stop();
  // Whatever a test did to the first group is undone: no fault here kills an engine.
  for (const server of engines.a) {
    process.kill(-(server.child.pid ?? 0), "SIGCONT");
    await server.order({ fault: "clear" });
  }
});

const status = () => world.gateway.gateway.status;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const agent = (id: string) => fleet.agents[id] as NonNullable<(typeof fleet.agents)[string]>;
const one = (id: number, answer = 300): Case => ({
  kind: "chat",
  prompt: `stream ${id} ${"word ".repeat(id * 20)}`,
  answer,
  reasoning: 20,
  maxTokens: 0,
  thinking: true,
});

/** Starts `count` streams and waits until all of them have tokens. */
async function streams(count: number, answer?: number): Promise<Promise<string[]>[]> {
  const answers = Array.from({ length: count }, (_, id) => judge(world.url, one(id, answer)));
  while (status().requests < count) await sleep(10);
  await sleep(300);
  return answers;
}

async function movedWithin(ms: number): Promise<number> {
  const start = performance.now();
  while (status().active !== "b") {
    if (performance.now() - start > ms) throw new Error(`not moved after ${ms} ms: ${JSON.stringify(status())}`);
    await sleep(5);
  }
  return performance.now() - start;
}

describe("a fault moves traffic, and every stream ends whole", () => {
  test("a fatal kernel-log line", async () => {
    const answers = await streams(10);
    agent("gpu-b").kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.");
    await movedWithin(5000);
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status().lastFailover?.reason).toContain("gpu-b: XID 79 on 0000:0b:00");
  });

  test("a dead rank, by the agent's word alone", async () => {
    const answers = await streams(10);
    agent("gpu-b").say({ kind: "rank", group: "a", rank: 5, pid: 99, state: "exited" });
    await movedWithin(5000);
    expect((await Promise.all(answers)).flat()).toEqual([]);
  });

  test("answers that a planned move left behind: their group hangs, and nothing resets a connection", async () => {
    const answers = await streams(10, 500);
    world.gateway.gateway.roles.set({ active: "b", epoch: 2, reason: "a test", why: "switchover" });
    expect(status()).toMatchObject({ active: "b", groups: { a: { requests: 10 } } });
    process.kill(-(world.a[1]?.child.pid ?? 0), "SIGSTOP");
    agent("gpu-b").silent = true;
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status()).toMatchObject({ active: "b", lastFailover: null });
  });

  test("the reconciler's word that their group is given up", async () => {
    const answers = await streams(10, 500);
    for (const server of world.a) await server.order({ fault: "hang" });
    world.gateway.gateway.roles.set({ active: "b", epoch: 2, reason: "a: gpu-a, port down", why: "failover" });
    expect(status()).toMatchObject({ active: "b", groups: { a: { requests: 0 } } });
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status().lastFailover?.reason).toBe("epoch 2 names group b: a: gpu-a, port down");
  });

  test("a worker without power: no beat, no token, no reset", async () => {
    const answers = await streams(10, 500);
    process.kill(-(world.a[1]?.child.pid ?? 0), "SIGSTOP");
    agent("gpu-b").silent = true;
    const took = await movedWithin(5000);
    expect(took).toBeGreaterThan(300);
    expect(took).toBeLessThan(4500);
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status().lastFailover?.reason).toMatch(/gpu-b is silent for \d+ ms, its neighbours are heard, and no token/);
  });

  test("a worker without power while nobody asks anything", async () => {
    await sleep(600);
    process.kill(-(world.a[1]?.child.pid ?? 0), "SIGSTOP");
    agent("gpu-b").silent = true;
    await movedWithin(10_000);
    expect(status().lastFailover?.reason).toContain("does not answer a canary");
    expect(await judge(world.url, one(1))).toEqual([]);
  });

  test("a rank is stopped, its sockets open: its agent names it, long before a hang would be one", async () => {
    const answers = await streams(10, 500);
    const worker = world.a[1] as (typeof world.a)[number];
    const { ranks } = (await worker.order({ status: true })) as { ranks: { rank: number; pid: number }[] };
    const { rank, pid } = ranks[1] as (typeof ranks)[number];
    agent("gpu-b").say({ kind: "rank", group: "a", rank, pid, state: "running" });
    process.kill(pid, "SIGSTOP");
    agent("gpu-b").say({ kind: "rank", group: "a", rank, pid, state: "stopped" });
    const took = await movedWithin(4500);
    expect(took).toBeGreaterThan(900);
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status().lastFailover?.reason).toMatch(
      new RegExp(`gpu-b: rank ${rank} \\(pid ${pid}\\) is stopped, and no token came for 1\\.\\d s`),
    );
  });

  test("an engine hangs, its sockets open", { timeout: 60_000 }, async () => {
    const answers = await streams(5, 500);
    await world.a[0]?.order({ fault: "hang" });
    const took = await movedWithin(15_000);
    expect(took).toBeGreaterThan(4000);
    expect(took).toBeLessThan(14_000);
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status().lastFailover?.reason).toMatch(/no token for 5\.\d s while requests wait/);
  });
});

describe("what is no fault moves nothing", () => {
  test("silence, while tokens flow", async () => {
    const answers = await streams(5, 400);
    agent("gpu-b").silent = true;
    await sleep(1500);
    expect(status().groups.a).toMatchObject({
      state: "blind",
      reason: "gpu-b is not heard: its group still writes tokens",
    });
    agent("gpu-b").silent = false;
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status().lastFailover).toBeNull();
  });

  test("silence of an idle server whose group answers", async () => {
    await sleep(600);
    agent("gpu-b").silent = true;
    await sleep(2600);
    expect(status().lastFailover).toBeNull();
    expect(status().groups.a?.state).toBe("blind");
  });

  test("agents restarted one after another", { timeout: 60_000 }, async () => {
    const answers = await streams(5, 600);
    for (const id of Object.keys(fleet.agents)) {
      await agent(id).stop();
      await sleep(400);
      await agent(id).start();
      await sleep(200);
    }
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(status().lastFailover).toBeNull();
  });

  test("all agents silent at once, and nothing asked", async () => {
    await sleep(500);
    for (const each of Object.values(fleet.agents)) each.silent = true;
    await sleep(2000);
    expect(status().lastFailover).toBeNull();
    expect(status().reason).toContain("nor is any other server");
  });

  test("log lines that are no fault, and a fatal line of a minute ago", async () => {
    agent("gpu-b").kernel("NVRM: Xid (PCI:0000:0b:00): 92, pid=1, High single-bit ECC error rate");
    agent("gpu-b").kernel("NVRM: Xid (PCI:0000:0b:00): 99999, something new");
    agent("gpu-b").kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.", 60_000);
    await sleep(300);
    expect(status().lastFailover).toBeNull();
    expect(status().groups.a?.state).toBe("clear");
  });
});

test("a planned switch moves new requests, running ones finish where they are", async () => {
  const answers = await streams(5, 300);
  const put = (epoch: number) =>
    fetch(`${world.gateway.adminUrl}/role`, {
      method: "PUT",
      headers: { authorization: "Bearer admin-token-0123456789" },
      body: JSON.stringify({ active: "b", epoch, reason: "drill" }),
    });
  expect((await put(1)).status).toBe(409);
  expect((await put(2)).status).toBe(200);
  expect(status()).toMatchObject({ active: "b", epoch: 2 });
  expect(status().groups.a?.requests).toBeGreaterThanOrEqual(5);
  const late = judge(world.url, one(20));
  await sleep(200);
  expect(status().groups.b?.requests).toBeGreaterThanOrEqual(1);
  expect((await Promise.all([...answers, late])).flat()).toEqual([]);
  expect(status().lastFailover).toBeNull();
});

test("both groups are suspect and answer: the first to answer is used in spite of it", {
  timeout: 60_000,
}, async () => {
  const [answer] = await streams(1, 400);
  agent("gpu-a").kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.");
  agent("gpu-c").kernel("NVRM: Xid (PCI:0000:0b:00): 79, pid=1, GPU has fallen off the bus.");
  await sleep(500);
  expect(status().choice).toBe("use");
  expect(await answer).toEqual([]);
});
