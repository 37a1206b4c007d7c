import { setImmediate as nextTurn } from "node:timers/promises";
import type { GoldenAnswer } from "../../failover/readiness/answers.ts";
import type { EngineInfo } from "../../failover/readiness/facts.ts";
import { GOLDEN_PROMPTS, GOLDEN_TOKENS, longPrompt } from "../../failover/readiness/golden-prompts.ts";
import type { Pace } from "../../failover/readiness/speed.ts";
import type { EngineClient } from "./engine-client.ts";

/** Tokens that the requests of a full batch write: the first ones still write when the last ones begin. */
const BATCH_TOKENS = 16;
/** Requests that are sent in one turn of the event loop. More of them would keep a process that renews a lease from anything else. */
const SENT_AT_ONCE = 16;
const LONG_TOKENS = 4;
/** More would take the computer that asks longer than the engine that answers. */
const MAX_BATCH = 256;
const MAX_LONG_TOKENS = 32_768;
/** Noise makes an engine slow once; a slow rank makes it slow each time. */
const PACE_TRIES = 3;

/** Production shapes of one engine, by what it says of itself. */
export interface Shapes {
  attentionDp: number;
  /** Requests that run at once. */
  batch: number;
  /** Several prefill chunks, at most half of the context. */
  longTokens: number;
  /** Of our requests: behind everybody else's; null where the engine keeps no order, or gives those without one the last place. */
  priority: number | null;
}

export function shapesOf(info: EngineInfo): Shapes {
  const number = (name: string, fallback: number) => {
    const value = info[name];
    return typeof value === "number" && value > 0 ? value : fallback;
  };
  const attentionDp = number("attn_dp_size", 1);
  return {
    attentionDp,
    batch: Math.min(MAX_BATCH, number("max_running_requests", 64)),
    longTokens: Math.min(
      Math.floor(number("context_length", 65_536) / 2),
      2 * number("chunked_prefill_size", 8_192),
      MAX_LONG_TOKENS,
    ),
    priority: lastPlace(info),
  };
}

/** Requests that name no priority get the default where there is one, else the last place (managers/scheduler.py:3520). */
function lastPlace(info: EngineInfo): number | null {
  if (info.enable_priority_scheduling !== true || typeof info.default_priority_value !== "number") return null;
  return info.schedule_low_priority_values_first === true ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}

interface Asking {
  engine: EngineClient;
  shapes: Shapes;
  signal: AbortSignal;
  timeoutMs: number;
}

/** All golden prompts at once, spread over all attention-DP ranks; one answer a prompt, and those of further ranks behind. */
export function askGolden(asking: Asking): Promise<GoldenAnswer[]> {
  const count = Math.max(GOLDEN_PROMPTS.length, asking.shapes.attentionDp);
  return askSpread(asking, count, { tokens: GOLDEN_TOKENS, withPrompt: true });
}

/** So many prompts at once, each to the next attention-DP rank. */
async function askSpread(
  { engine, shapes, signal, timeoutMs }: Asking,
  count: number,
  question: { tokens: number; withPrompt: boolean },
): Promise<GoldenAnswer[]> {
  const asked: Promise<GoldenAnswer>[] = [];
  for (let at = 0; at < count; at++) {
    const text = GOLDEN_PROMPTS[at % GOLDEN_PROMPTS.length] as string;
    const dpRank = shapes.attentionDp > 1 ? at % shapes.attentionDp : null;
    const answer = engine.generate({ text, dpRank, priority: shapes.priority, ...question }, signal, timeoutMs);
    // One that fails before all are sent is told of below.
    answer.catch(() => {});
    asked.push(answer);
    if (at % SENT_AT_ONCE === SENT_AT_ONCE - 1) await nextTurn();
  }
  return Promise.all(asked);
}

/** Milliseconds a token of one prompt alone: the best of a few, fewer where the first is as good as `goodEnough`. */
export async function measurePace({ engine, shapes, signal, timeoutMs }: Asking, goodEnoughMs: number): Promise<Pace> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < PACE_TRIES && best > goodEnoughMs; attempt++) {
    const { priority } = shapes;
    const text = GOLDEN_PROMPTS[0] as string;
    const question = { text, tokens: GOLDEN_TOKENS, withPrompt: false, dpRank: null, priority };
    const { ids, ms } = await engine.generate(question, signal, timeoutMs);
    best = Math.min(best, ms / Math.max(1, ids.length));
  }
  return { msPerToken: best, prefillMsPer1000: null };
}

/** As many requests as the engine runs at once. Resolves with how long all of them took. */
export async function askFullBatch(asking: Asking): Promise<number> {
  const began = performance.now();
  await askSpread(asking, asking.shapes.batch, { tokens: BATCH_TOKENS, withPrompt: false });
  return performance.now() - began;
}

/** One prompt of several prefill chunks. `salt` keeps it out of the prefix cache; both groups get the same one. */
export function askLong({ engine, shapes, signal, timeoutMs }: Asking, salt: string): Promise<GoldenAnswer> {
  const text = longPrompt(shapes.longTokens, salt);
  const { priority } = shapes;
  return engine.generate({ text, tokens: LONG_TOKENS, withPrompt: false, dpRank: null, priority }, signal, timeoutMs);
}
