import { afterEach, expect, test } from "vitest";
import { BreakingProxy } from "./breaking-proxy.ts";
import { startWorld, type World } from "./gateway-fixture.ts";
import { judge } from "./judge.ts";

let world: World | undefined;
afterEach(() => world?.close());
const one = { kind: "chat", prompt: "leader", answer: 30, reasoning: 5, maxTokens: 0, thinking: true } as const;

test("the leader may be on any server of its group: a worker's 404 is no refusal", async () => {
  world = await startWorld({ urlsOf: (servers) => servers.map(({ url }) => url).reverse() });
  // The first request may come before the first canary.
  expect(await judge(world.url, one)).toEqual([]);
  expect(world.gateway.gateway.status.groups.a).toMatchObject({ state: "blind", url: world.a[0]?.url });
  expect(world.gateway.gateway.status.lastFailover).toBeNull();
  while (world.gateway.gateway.status.groups.b?.url !== world.b[0]?.url)
    await new Promise((resolve) => setTimeout(resolve, 20));
  process.kill(-(world.a[0]?.child.pid ?? 0), "SIGKILL");
  expect(await judge(world.url, { ...one, prompt: "after" })).toEqual([]);
  expect(world.gateway.gateway.status.active).toBe("b");
});

test("an address where nobody listens is passed over", async () => {
  const nobody = await BreakingProxy.before("http://127.0.0.1:9");
  await nobody.crash();
  world = await startWorld({ urlsOf: (servers) => [nobody.url, servers[0]?.url ?? ""] });
  while (world.gateway.gateway.status.groups.a?.url === nobody.url)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(world.gateway.gateway.status.lastFailover).toBeNull();
  expect(await judge(world.url, one)).toEqual([]);
});
