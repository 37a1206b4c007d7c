import { afterEach, expect, test } from "vitest";
import { readClientRequest } from "../../src/gateway/stream/client-request.ts";
import { jsonOf, type ServerProcess, startGroup } from "../emulator/server-process.ts";
import { BreakingProxy } from "./breaking-proxy.ts";
import { ask, chat, startWorld, type World } from "./gateway-fixture.ts";
import { type Case, judge } from "./judge.ts";

const MARKER = "poisonous";
const lines: string[] = [];
let world: World | undefined;
const extra: ServerProcess[] = [];
const proxies: BreakingProxy[] = [];
let over = false;
const kept: Promise<void>[] = [];
afterEach(async () => {
  over = true;
  await world?.close();
  await Promise.all([
    ...extra.splice(0).map((server) => server.stop()),
    ...proxies.splice(0).map((proxy) => proxy.close()),
  ]);
  // One of them may be starting another engine at this moment.
  await Promise.all(kept.splice(0));
});
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A kubelet in small: a group whose engine ended is started again, at the same address as far as the gateway sees. */
async function keepAlive(
  leader: ServerProcess,
  proxy: BreakingProxy,
  poison: object,
  onCrash: () => void,
): Promise<void> {
  await leader.order(poison);
  await leader.exited;
  if (over) return;
  onCrash();
  await proxy.crash();
  const flags = ["--reasoning-parser", "deepseek-r1", "--served-model-name", "deepseek-v3"];
  const env = { EMULATOR_TEMPLATE_OPENS_THINK: "1", EMULATOR_DECODE_STEP_MS: "5" };
  const [next] = await startGroup({ nnodes: 1, tp: 2, flags, env });
  if (next === undefined) return;
  if (over) return void (await next.stop());
  extra.push(next);
  proxy.retarget(next.url);
  await proxy.restore();
  await keepAlive(next, proxy, poison, onCrash);
}

async function poisoned(at: number | null) {
  over = false;
  lines.splice(0);
  world = await startWorld({
    engine: { nnodes: 1, tp: 2 },
    onLog: (line) => void lines.push(line),
    config: { holdDeadlineMs: 30_000, limits: { drainMs: 500 } },
    proxied: async (url) => {
      const proxy = await BreakingProxy.before(url);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  const crashes = { a: 0, b: 0 };
  const order = { fault: "poison", marker: MARKER, ...(at === null ? {} : { at }) };
  for (const [index, id] of (["a", "b"] as const).entries()) {
    const leader = world[id][0] as ServerProcess;
    const keeper = keepAlive(leader, proxies[index] as BreakingProxy, order, () => {
      crashes[id] += 1;
    });
    kept.push(keeper);
  }
  const innocent = (id: number): Case => ({
    kind: "chat",
    prompt: `innocent ${id}`,
    answer: 500,
    reasoning: 20,
    maxTokens: 0,
    thinking: true,
  });
  const answers = Array.from({ length: 20 }, (_, id) => judge((world as World).url, innocent(id)));
  while (world.gateway.gateway.status.requests < 20) await sleep(10);
  await sleep(400);
  return { url: world.url, crashes, answers };
}

test("a request that crashes the engine in prefill: the innocent finish, the second group crashes once at most", {
  timeout: 120_000,
}, async () => {
  const { url, crashes, answers } = await poisoned(null);
  const { body } = chat(MARKER, 50, 5);
  const response = await ask(url, "/v1/chat/completions", body);
  expect(response.status).toBe(422);
  expect((await jsonOf(response)).error.code).toBe("poison_suspected");
  // Enough to find every other request of its kind by, and nothing of what it says.
  const { fingerprint } = readClientRequest("chat", body, "deepseek-v3");
  const suspected = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.startsWith("suspected poison"));
  expect(suspected).toMatchObject([{ level: 40, request: response.headers.get("x-request-id"), fingerprint }]);
  expect(lines.join("")).not.toContain(MARKER);
  expect((await Promise.all(answers)).flat()).toEqual([]);
  expect(crashes).toEqual({ a: 1, b: 1 });
  // Its fingerprint is refused at once, and touches no engine.
  expect((await ask(url, "/v1/chat/completions", { ...body, stream: false })).status).toBe(422);
  expect(crashes).toEqual({ a: 1, b: 1 });
});

test("a request that crashes the engine at its 500th token: the second group serves", {
  timeout: 120_000,
}, async () => {
  const { url, crashes, answers } = await poisoned(500);
  const poison = judge(url, { kind: "chat", prompt: MARKER, answer: 550, reasoning: 20, maxTokens: 0, thinking: true });
  expect((await Promise.all([...answers, poison])).flat()).toEqual([]);
  expect(crashes).toEqual({ a: 1, b: 0 });
  expect(
    await judge(url, { kind: "chat", prompt: "afterwards", answer: 20, reasoning: 5, maxTokens: 0, thinking: true }),
  ).toEqual([]);
});
