import { afterEach, expect, test } from "vitest";
import { BreakingProxy } from "./breaking-proxy.ts";
import { startWorld, type World } from "./gateway-fixture.ts";
import { type Case, judge } from "./judge.ts";

let world: World | undefined;
let proxies: BreakingProxy[] = [];
afterEach(async () => {
  await world?.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
  world = undefined;
  proxies = [];
});

/** The bench `rehearsal-streams` breaks thousands, over every model. */
const WAVES = Number(process.env.BROKEN_WAVES ?? 3);
const STREAMS = 55;
/** Reproducible: the same waves in every run, and a failing one can be asked for. */
let seed = Number(process.env.BROKEN_SEED ?? 1);
const random = (below: number) => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return (seed >>> 8) % below;
};

function someCase(id: number, thinking: boolean[]): Case {
  const kinds = ["chat", "chat", "chat-whole", "chat-raw", "completions"] as const;
  const words = [1, 10, 200, 2000, 12_000][random(5)] ?? 1;
  return {
    kind: kinds[random(kinds.length)] ?? "chat",
    // About as many tokens of prompt as words; each prompt has a tag of its own.
    prompt: `${id} ${"word ".repeat(words)}`,
    answer: 20 + random(250),
    reasoning: random(60),
    maxTokens: random(4) === 0 ? 1 + random(200) : 0,
    thinking: thinking[random(thinking.length)] ?? true,
  };
}

test.each<[string, { parser: "deepseek-r1" | "deepseek-v3"; opens: boolean; thinking: boolean[] }]>([
  ["R1, the template opens the reasoning", { parser: "deepseek-r1", opens: true, thinking: [true] }],
  ["R1-0528, the model opens it", { parser: "deepseek-r1", opens: false, thinking: [true] }],
  ["V3.1, with and without thinking", { parser: "deepseek-v3", opens: true, thinking: [true, false] }],
])(
  "%s: every stream that breaks at a random point ends whole",
  { timeout: 600_000 },
  async (_name, { parser, opens, thinking }) => {
    world = await startWorld({
      engine: {
        flags: ["--reasoning-parser", parser],
        env: { EMULATOR_TEMPLATE_OPENS_THINK: opens ? "1" : "0", EMULATOR_DECODE_STEP_MS: "3" },
      },
      proxied: async (url) => {
        const proxy = await BreakingProxy.before(url);
        proxies.push(proxy);
        return proxy.url;
      },
      config: { model: { name: "deepseek-v3", parser, templateOpensThink: opens, contextLength: 65_536 } },
    });
    const { url, gateway } = world;
    let broken = 0;
    for (let wave = 0; wave < WAVES; wave++) {
      const cases = Array.from({ length: STREAMS }, (_, at) => someCase(wave * STREAMS + at, thinking));
      const answers = cases.map((one) => judge(url, one, !opens));
      await new Promise((resolve) => setTimeout(resolve, 30 + random(900)));
      const active = gateway.gateway.status.active;
      const victim = proxies[active === "a" ? 0 : 1];
      await victim?.crash();
      expect((await Promise.all(answers)).flat()).toEqual([]);
      expect(gateway.gateway.status.active).toBe(active === "a" ? "b" : "a");
      broken += gateway.gateway.status.lastFailover?.carried ?? 0;
      await victim?.restore();
      // The group that is back must have answered a canary before it can be moved to.
      while (gateway.gateway.status.groups[active ?? ""]?.state === "suspect")
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(broken).toBeGreaterThan(WAVES * 5);
    if (process.env.BROKEN_WAVES !== undefined) process.stdout.write(`${broken} streams were broken and carried on\n`);
  },
);
