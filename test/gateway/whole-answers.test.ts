import { afterEach, beforeEach, expect, test } from "vitest";
import { jsonOf } from "../emulator/server-process.ts";
import { startAgents } from "./fake-agents.ts";
import { ask, chat } from "./gateway-fixture.ts";
import { type Scripted, startScripted } from "./scripted-engine.ts";

// Answers in one piece that no stream could give: their engine says nothing for minutes, and is well.

let world: Scripted;
let fleet: Awaited<ReturnType<typeof startAgents>>;
beforeEach(async () => {
  fleet = await startAgents();
  world = await startScripted(
    { a: () => {}, b: ({ response }) => response.end(JSON.stringify({ id: "x", choices: [] })) },
    {},
    fleet.urls,
  );
});
afterEach(async () => {
  await world.close();
  await fleet.stop();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const status = () => world.gateway.gateway.status;
/** Asks, and waits until group `a` has the request. */
async function askWhole(): Promise<{ answer: Promise<Response> }> {
  const answer = ask(world.url, "/v1/chat/completions", chat("whole", 10, 0, { stream: false, n: 2 }).body);
  while (world.a.asked.length === 0) await sleep(5);
  return { answer };
}
function losePower() {
  world.a.dark = true;
  for (const id of ["gpu-a", "gpu-b"]) if (fleet.agents[id] !== undefined) fleet.agents[id].silent = true;
}
/** Until both groups have answered, and all agents were heard. */
async function proven() {
  while (Object.values(status().groups).some(({ answeredMs }) => answeredMs === null)) await sleep(10);
  while (Object.values(status().servers).some(({ silentMs }) => silentMs === null)) await sleep(10);
}

test("what a planned move left behind goes on when its group loses power", async () => {
  await proven();
  const { answer } = await askWhole();
  world.gateway.gateway.roles.set({ active: "b", epoch: 2, reason: "a test", why: "switchover" });
  expect(status()).toMatchObject({ active: "b", groups: { a: { requests: 1 } } });
  losePower();
  expect((await answer).status).toBe(200);
  expect(status().lastFailover).toBeNull();
});

test("what a group has that is given up goes on at once", async () => {
  await proven();
  const { answer } = await askWhole();
  world.giveUpA();
  expect(status()).toMatchObject({ active: "b", groups: { a: { requests: 0 } } });
  expect((await answer).status).toBe(200);
});

test("a server without power is found as fast as with streams", async () => {
  await proven();
  const { answer } = await askWhole();
  losePower();
  expect((await answer).status).toBe(200);
  const { reason = "" } = status().lastFailover ?? {};
  const [, silentMs] = /is silent for (\d+) ms, .* does not answer a canary/.exec(reason) ?? [];
  // 320 ms until the group is asked, 600 for its answer, and room for a busy computer; an idle group is given 2 s.
  expect(Number(silentMs)).toBeLessThan(1900);
});

test("a long answer is no fault, and neither is a silent agent beside it", async () => {
  await proven();
  const { answer } = await askWhole();
  await sleep(3000);
  if (fleet.agents["gpu-b"] !== undefined) fleet.agents["gpu-b"].silent = true;
  await sleep(4000);
  expect(status()).toMatchObject({ active: "a", lastFailover: null, groups: { a: { requests: 1, state: "blind" } } });
  world.a.asked[0]?.response.end("{}");
  expect(await jsonOf(await answer)).toEqual({});
  expect(world.a.asked).toHaveLength(1);
});
