import type { Sequence } from "./sequence.ts";
import type { EngineEnvironment, EngineSettings } from "./settings.ts";

/** SGLang reserves a share of what running requests may still write (schedule_policy.py, init_new_token_ratio 0.7). */
const NEW_TOKEN_RATIO = 0.7;
/** … and never counts more than this for one request (CLIP_MAX_NEW_TOKENS). */
const CLIP_NEW_TOKENS = 4096;

type Limits = Pick<EngineSettings, "maxRunningRequests" | "maxTotalTokens" | "attnDpSize" | "priority">;

const capacityOf = ({ maxTotalTokens, attnDpSize }: Limits) => Math.floor(maxTotalTokens / attnDpSize);

/** Whether `next` may start beside `running`: a free place, and room in the pool of its attention-DP rank. */
export function mayStart(next: Sequence, running: readonly Sequence[], limits: Limits): boolean {
  if (running.length >= limits.maxRunningRequests) return false;
  const capacity = capacityOf(limits);
  const same = running.filter((sequence) => sequence.dpRank === next.dpRank);
  // A request that fits an empty pool must not wait for ever for a reserve that it alone would exceed.
  if (same.length === 0) return next.tokens <= capacity;
  const future = (sequence: Sequence) => NEW_TOKEN_RATIO * Math.min(sequence.remaining, CLIP_NEW_TOKENS);
  const held = same.reduce((sum, sequence) => sum + sequence.tokens + future(sequence), 0);
  return held + next.tokens + future(next) <= capacity;
}

/** Who gives way to `next` under priority scheduling (schedule_policy.py:1707), if anybody. */
export function victimOf(next: Sequence, running: readonly Sequence[], { priority }: Limits): Sequence | null {
  if (!priority.enabled || !priority.preempt || running.length === 0) return null;
  const rank = (sequence: Sequence) => (priority.lowFirst ? -1 : 1) * sequence.request.priority;
  const lowest = running.reduce((low, sequence) => (rank(sequence) < rank(low) ? sequence : low));
  return rank(next) - rank(lowest) > priority.threshold ? lowest : null;
}

/** Who is retracted so that the others have room for their next token: those with the shortest output. */
export function overflow(running: readonly Sequence[], limits: Limits): Sequence[] {
  const capacity = capacityOf(limits);
  const victims: Sequence[] = [];
  for (let rank = 0; rank < limits.attnDpSize; rank++) {
    const same = running.filter((sequence) => sequence.dpRank === rank);
    same.sort((a, b) => b.outputIds.length - a.outputIds.length);
    let tokens = same.reduce((sum, sequence) => sum + sequence.tokens + 1, 0);
    while (same.length > 1 && tokens > capacity) {
      const victim = same.pop() as Sequence;
      tokens -= victim.tokens + 1;
      victims.push(victim);
    }
  }
  return victims;
}

export interface PrefillPart {
  sequence: Sequence;
  tokens: number;
}

/** At most one chunk of prompt tokens that have no KV yet, first come first served. */
export function prefillChunk(running: readonly Sequence[], chunkTokens: number): PrefillPart[] {
  let room = chunkTokens;
  const parts: PrefillPart[] = [];
  for (const sequence of running) {
    const tokens = Math.min(sequence.tokens - sequence.prefilled, room);
    if (tokens <= 0) continue;
    parts.push({ sequence, tokens });
    room -= tokens;
  }
  return parts;
}

/** Milliseconds of one decode step: at least that of one request, more when the batch exceeds the group's rate. */
export function stepMsOf(
  env: Pick<EngineEnvironment, "decodeStepMs" | "decodeTokensPerSecond">,
  batch: number,
): number {
  return Math.max(env.decodeStepMs, (batch / env.decodeTokensPerSecond) * 1000);
}

/** Requests that SGLANG_REQ_WAITING_TIMEOUT or SGLANG_REQ_RUNNING_TIMEOUT ends (both off by default). */
export function timedOut(
  waiting: readonly Sequence[],
  running: readonly Sequence[],
  env: Pick<EngineEnvironment, "waitingTimeoutMs" | "runningTimeoutMs">,
  now: number,
): { sequence: Sequence; which: "waiting" | "running" }[] {
  const waited = env.waitingTimeoutMs ?? Number.POSITIVE_INFINITY;
  const ran = env.runningTimeoutMs ?? Number.POSITIVE_INFINITY;
  return [
    ...waiting.flatMap((sequence) =>
      now - sequence.queuedAt > waited ? [{ sequence, which: "waiting" as const }] : [],
    ),
    ...running.flatMap((sequence) => (now - sequence.startedAt > ran ? [{ sequence, which: "running" as const }] : [])),
  ];
}
