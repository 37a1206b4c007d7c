import { expectedText } from "../../src/emulator/tokens.ts";
import { STEP_TOKENS } from "../../src/gateway/warm/due.ts";
import { events } from "../emulator/server-process.ts";
import { startAgents } from "../gateway/fake-agents.ts";
import { ADMIN_TOKEN, ask, chat, startWorld } from "../gateway/gateway-fixture.ts";
import { type Bench, type Measurement, median } from "./bench.ts";

/** `BENCH_STREAMS=100 BENCH_PROMPT_TOKENS=10000 npm run bench warm-standby`. */
const STREAMS = Number(process.env.BENCH_STREAMS ?? 40);
const PROMPT_TOKENS = Number(process.env.BENCH_PROMPT_TOKENS ?? 8_000);
const ANSWER_TOKENS = 800;
/** Rates of the plan for a group (docs/emulator.md), which the tests' engines do not have. */
const RATES = {
  EMULATOR_PREFILL_TOKENS_PER_SECOND: "33000",
  EMULATOR_DECODE_TOKENS_PER_SECOND: "8600",
  EMULATOR_DECODE_STEP_MS: "50",
  EMULATOR_MAX_TOTAL_TOKENS: String(2 * STREAMS * (PROMPT_TOKENS + ANSWER_TOKENS)),
};
const LIMIT_S = 0.5;
/** A token that comes so soon after the kill was on its way. */
const ON_ITS_WAY_MS = 15;

/** Streams with long contexts lose their group by a killed engine: how long each waits for its next token, with a standby that read along and with one that did not. */
export const bench: Bench = async () => [
  ...rows("read along", await round(true), LIMIT_S),
  ...rows("did not", await round(false), Number.POSITIVE_INFINITY),
];

interface Round {
  /** Seconds from the kill to each stream's next token. */
  waits: number[];
  broken: number;
  unread: number;
}

function rows(what: string, { waits, broken, unread }: Round, limit: number): Measurement[] {
  const how = `${STREAMS} streams with ${PROMPT_TOKENS} tokens of prompt, ${unread} tokens unread at the kill`;
  return [
    { what: `next token where the standby ${what}, p50`, measured: median(waits), limit, unit: "s", how },
    { what: `next token where the standby ${what}, max`, measured: Math.max(...waits), limit, unit: "s", how },
    { what: `streams that ended wrong where the standby ${what}`, measured: broken, limit: 0, unit: "streams", how },
  ];
}

async function round(warmStandby: boolean): Promise<Round> {
  const fleet = await startAgents();
  const world = await startWorld({
    agents: fleet.urls,
    engine: { env: RATES },
    config: { warmStandby, limits: { maxRequests: 2 * STREAMS } },
  });
  try {
    const counts = { tokensTotal: 0, running: 0, queued: 0 };
    fleet.agents["gpu-c"]?.say({ kind: "engine", group: "b", instance: "1:1", state: "serving", ...counts });
    const streams = Array.from({ length: STREAMS }, (_, id) => new Stream(world.url, id));
    await until(() => streams.every(({ tokens }) => tokens > 4));
    const unreadNow = () => unreadTokens(world.gateway.adminUrl);
    // Until it has read all of them once, and reads on.
    if (warmStandby) await until(async () => (await unreadNow()) < STREAMS * STEP_TOKENS);
    const unread = await unreadNow();
    const killedMs = performance.now();
    for (const stream of streams) stream.killedMs = killedMs;
    await world.a[0]?.stop();
    const broken = (await Promise.all(streams.map(({ whole }) => whole))).filter((whole) => !whole).length;
    return { waits: streams.map(({ nextMs }) => (nextMs - killedMs) / 1_000), broken, unread };
  } finally {
    await world.close();
    await fleet.stop();
  }
}

class Stream {
  tokens = 0;
  killedMs = Number.POSITIVE_INFINITY;
  nextMs = Number.POSITIVE_INFINITY;
  readonly whole: Promise<boolean>;

  constructor(url: string, id: number) {
    this.whole = this.#read(url, id);
  }

  async #read(url: string, id: number): Promise<boolean> {
    const { message, body } = chat(`${id} ${"word ".repeat(PROMPT_TOKENS)}`, ANSWER_TOKENS, 0);
    let text = "";
    for await (const data of events(await ask(url, "/v1/chat/completions", body))) {
      const at = performance.now();
      if (data === "[DONE]") break;
      const { choices } = JSON.parse(data) as { choices?: { delta: { content?: string | null } }[] };
      const piece = choices?.[0]?.delta.content ?? "";
      if (piece === "") continue;
      text += piece;
      this.tokens += 1;
      if (at > this.killedMs + ON_ITS_WAY_MS) this.nextMs = Math.min(this.nextMs, at);
    }
    return text === expectedText(message, ANSWER_TOKENS);
  }
}

async function unreadTokens(adminUrl: string): Promise<number> {
  const response = await fetch(`${adminUrl}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  return Number(/^tandem_gateway_unread_tokens (\S+)$/m.exec(await response.text())?.[1]);
}

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 1_200; !(await met()); left--) {
    if (left === 0) throw new Error("not within a minute");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
