import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { GatewayView } from "../../src/failover/choose/view.ts";
import { type Choice, choose } from "../../src/failover/choose.ts";
import { DecisionLog } from "../../src/gateway/groups/decision-log.ts";
import type { GatewayStatus } from "../../src/gateway/status.ts";
import { view } from "../failover/views.ts";
import { ADMIN_TOKEN, ask, chat, startWorld, type World } from "./gateway-fixture.ts";

const choice = choose(view());
const at = (atMs: number): GatewayView => ({ ...view(), atMs });

describe("the log of choices", () => {
  test("keeps ten a second, every change, and no more than half a minute of the calm", () => {
    const log = new DecisionLog(() => 0);
    for (let tick = 0; tick < 5_000; tick++) log.add(at(20 * tick), choice, tick === 7 || tick === 4_321);
    const kept = log.since(0);
    expect(kept.filter(({ changed }) => changed).map(({ view: { atMs } }) => atMs)).toEqual([140, 86_420]);
    expect(kept.length).toBeLessThanOrEqual(302);
    const times = kept.map(({ view: { atMs } }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe("a running gateway", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.close());

  const decisions = async (query = "") => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const response = await fetch(`${world.gateway.adminUrl}/decisions${query}`, { headers });
    return { status: response.status, body: await response.json() };
  };

  test("tells its choices with what they were made on: made again they come out the same", async () => {
    await (await ask(world.url, "/v1/chat/completions", chat("hello", 20, 5).body)).text();
    type Told = { timing: never; decisions: { view: GatewayView; choice: Choice }[] };
    // Ten a second are kept: on a quick machine the answer is there before the third.
    const { timing, decisions: made } = await vi.waitUntil(
      async () => {
        const told = (await decisions()).body as Told;
        return told.decisions.length > 3 && told;
      },
      { timeout: 20_000 },
    );
    for (const one of made) expect(choose(one.view, timing)).toEqual(one.choice);
  });

  test("from a moment on, and not from a word", async () => {
    const { body } = await decisions(`?since=${Date.now() + 60_000}`);
    expect(body).toMatchObject({ decisions: [] });
    expect(await decisions("?since=yesterday")).toMatchObject({ status: 400 });
  });

  test("a question about its status is answered when something is new, and not before", async () => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const status = async (query = "") =>
      (await (await fetch(`${world.gateway.adminUrl}/status${query}`, { headers })).json()) as GatewayStatus;
    const { version, groups, gapMs } = await status();
    expect(groups.a?.tokens).toBeGreaterThan(20);
    expect(gapMs).toBeNull();
    const began = performance.now();
    const waiting = status(`?after=${version}&wait=2000`);
    expect((await status(`?after=${version}&wait=60`)).version).toBe(version);
    expect(performance.now() - began).toBeGreaterThan(50);
    const movedMs = performance.now();
    world.gateway.gateway.roles.set({ active: "b", epoch: 2, reason: "a test" });
    expect((await waiting).active).toBe("b");
    // It would have waited for two seconds.
    expect(performance.now() - movedMs).toBeLessThan(1_500);
  });

  test("counts what it refuses, and how long a first token takes", async () => {
    expect((await ask(world.url, "/v1/completions", { model: "another", prompt: "x" })).status).toBe(404);
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const text = await (await fetch(`${world.gateway.adminUrl}/metrics`, { headers })).text();
    expect(text).toContain('tandem_gateway_refusals_total{status="404"} 1');
    expect(text).toContain("tandem_gateway_first_token_seconds_count 1");
    expect(text).toContain('tandem_gateway_choice{kind="use"} 1');
    expect(text).toContain("process_resident_memory_bytes");
  });
});
