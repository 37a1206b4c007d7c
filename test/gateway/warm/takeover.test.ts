import { afterEach, describe, expect, test } from "vitest";
import { expectedText } from "../../../src/emulator/tokens.ts";
import { readChat } from "../../emulator/server-process.ts";
import { startAgents } from "../fake-agents.ts";
import { ADMIN_TOKEN, ask, chat, startWorld, type World, type WorldOptions } from "../gateway-fixture.ts";

let world: World | undefined;
let fleet: Awaited<ReturnType<typeof startAgents>> | undefined;
afterEach(async () => {
  await world?.close();
  await fleet?.stop();
  world = undefined;
});

const LONG = "word ".repeat(4_000);
/** A prompt of 4,000 tokens takes 2 s to read. */
const SLOW = { EMULATOR_PREFILL_TOKENS_PER_SECOND: "2000", EMULATOR_DECODE_STEP_MS: "10" };

async function start(options: WorldOptions = {}): Promise<World> {
  fleet = await startAgents();
  const made = await startWorld({
    agents: fleet.urls,
    ...options,
    engine: { ...options.engine, env: { ...SLOW, ...options.engine?.env } },
  });
  world = made;
  serves();
  return made;
}

/** The agent of the standby's leader tells that its engine serves. */
function serves(instance = "1:1"): void {
  const counts = { tokensTotal: 0, running: 0, queued: 0 };
  fleet?.agents["gpu-c"]?.say({ kind: "engine", group: "b", instance, state: "serving", ...counts });
}

async function metric({ gateway }: World, name: string): Promise<number> {
  const response = await fetch(`${gateway.adminUrl}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const line = (await response.text()).split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}

const reads = (made: World, outcome = "read") =>
  metric(made, `tandem_gateway_cache_warmings_total{outcome="${outcome}"}`);

/** A stream of 250 tokens that loses its engine in the middle: how long its client then waits for the next token. */
async function gapOf(made: World, before: () => Promise<void>, message = LONG): Promise<number> {
  const asked = chat(message, 250, 40);
  const answer = ask(made.url, "/v1/chat/completions", asked.body).then((response) => readChat(response));
  await before();
  await made.a[0]?.stop();
  const read = await answer;
  expect(read.error).toBeUndefined();
  expect(read.reasoning).toBe(expectedText(asked.message, 40, "reasoning"));
  expect(read.content).toBe(expectedText(asked.message, 250));
  return made.gateway.gateway.status.lastFailover?.gapMs ?? Number.NaN;
}

const until = (met: () => Promise<boolean>) => expect.poll(met, { timeout: 15_000, interval: 20 }).toBe(true);

describe("the standby has read what runs", () => {
  test("so a takeover waits for the last tokens only", async () => {
    const made = await start();
    const gapMs = await gapOf(made, () => until(async () => (await reads(made)) >= 1));
    expect(gapMs).toBeLessThan(1_000);
  });

  test("it reads on as the answer grows", async () => {
    const made = await start({ engine: { env: { EMULATOR_DECODE_STEP_MS: "5" } } });
    const { body } = chat("a short one", 900, 10);
    const answer = ask(made.url, "/v1/chat/completions", body).then((response) => readChat(response));
    await until(async () => (await reads(made)) >= 3);
    expect(await metric(made, "tandem_gateway_unread_tokens")).toBeLessThan(600);
    expect((await answer).finish).toBe("stop");
  });

  test("where it is switched off, every prompt is read again", async () => {
    const made = await start({ config: { warmStandby: false } });
    const running = () => made.gateway.gateway.traffic.riders.values().next().value?.legTokens ?? 0;
    const gapMs = await gapOf(made, () => until(async () => running() > 50));
    expect(gapMs).toBeGreaterThan(1_500);
    expect(await reads(made)).toBe(0);
  });

  test("with attention data parallelism the rank that has read it goes on with it", async () => {
    const flags = ["--reasoning-parser", "deepseek-r1", "--tp", "16", "--attn-dp-size", "4"];
    const traits = {
      name: "deepseek-v3",
      parser: "deepseek-r1",
      templateOpensThink: true,
      contextLength: 65_536,
    } as const;
    const made = await start({ engine: { flags }, config: { model: { ...traits, attentionDp: 4 } } });
    const gapMs = await gapOf(made, () => until(async () => (await reads(made)) >= 1));
    expect(gapMs).toBeLessThan(1_000);
  });
});

test("a standby that breaks over an answer is not shown it again, and nobody's answer suffers", async () => {
  const made = await start();
  const asked = chat("a prompt that only the standby dies of", 200, 10);
  await made.b[0]?.order({ fault: "poison", marker: "only the standby dies" });
  const answer = ask(made.url, "/v1/chat/completions", asked.body).then((response) => readChat(response));
  await until(async () => (await reads(made, "broke")) === 1);
  const read = await answer;
  expect(read.content).toBe(expectedText(asked.message, 200));
  expect(made.gateway.gateway.status).toMatchObject({ active: "a", lastFailover: null });
});
