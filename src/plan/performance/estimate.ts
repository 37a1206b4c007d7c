import { type EngineShape, type StageCost, stageCosts } from "./shape.ts";
import { decodeStepSeconds, prefillFloorSeconds, prefillWorkSeconds } from "./step.ts";

/** What users ask of one group: `concurrency` requests always in flight, a new one as soon as one ends. */
export interface Load {
  concurrency: number;
  inputTokens: number;
  outputTokens: number;
  /** Share of the input that the prefix cache holds already. */
  prefixHitRate: number;
}

export interface Estimate {
  /** Requests that the KV cache lets run at once; the others of `concurrency` wait. */
  running: number;
  ttftSeconds: number;
  tpotSeconds: number;
  outputTokensPerSecond: number;
  inputTokensPerSecond: number;
  requestsPerSecond: number;
  /** Share of the time in which prefill holds back all running answers. */
  prefillShare: number;
}

/**
 * Tokens that a draft of MTP yields per step: SGLang measured 2.5 to 3 accepted with 4 draft tokens (pull request 3582),
 * 2.61 in its cookbook.
 */
export const ACCEPTED_TOKENS_PER_STEP = 2.5;
/** Three passes of the draft layer and its head; each is one layer of the model, launched alone. */
const DRAFT_LAYERS = 3;
const FIXED_POINT_ROUNDS = 30;

/**
 * A closed loop in steady state. Over its life L a request waits for its own work and for one prefill of each of the
 * other C − 1, since each of them is replaced once in that time: L = fixed + m·D + C·P, hence tokens/s = C·m / L.
 */
export function estimate(shape: EngineShape, load: Load): Estimate {
  const costs = stageCosts(shape);
  const { pipelineParallel: pp, dataParallel: dp } = shape.layout;
  const { inputTokens, outputTokens } = load;
  const concurrency = Math.max(1, Math.min(load.concurrency, shape.kvTokens / (inputTokens + outputTokens)));
  const context = inputTokens + outputTokens / 2;
  const speculative = shape.draftTokens > 1;
  // A pipeline keeps one part of the sequences in each stage; a token passes all stages.
  const steps = costs.map((cost) => {
    const step = decodeStepSeconds(shape, cost, Math.max(1, concurrency / pp), context);
    return speculative ? step * (1 + DRAFT_LAYERS / shape.architecture.layers) : step;
  });
  const stepSeconds = sum(steps) / (speculative ? ACCEPTED_TOKENS_PER_STEP : 1);

  const fresh = Math.max(1, inputTokens * (1 - load.prefixHitRate));
  const alone = costs.map((cost) => prefillSeconds(shape, cost, fresh, inputTokens));
  const work = Math.max(...alone.map(({ work }) => work)) / dp;
  const floor = Math.max(...alone.map(({ floor }) => floor)) / dp;
  // Prompts that arrive while a batch of k is computed share the next: k = 1 + rate·(k·work + floor), up to a full chunk.
  const mostJoined = Math.max(1, shape.chunkPerRankTokens / fresh);
  const fixed = shape.constants.requestMilliseconds / 1000;
  const life = (blocking: number) => fixed + outputTokens * stepSeconds + concurrency * blocking;
  let blocking = work + floor;
  for (let round = 0; round < FIXED_POINT_ROUNDS; round += 1) {
    const rate = concurrency / life(blocking);
    const free = 1 - rate * work;
    const joined = free > 0 ? Math.min(mostJoined, (1 + rate * floor) / free) : mostJoined;
    blocking = work + floor / joined;
  }
  const lifeSeconds = life(blocking);
  const rate = concurrency / lifeSeconds;
  const busy = Math.min(0.99, rate * blocking);
  const own = sum(alone.map(({ work, floor }) => work + floor));
  // A new prompt waits for half of the step that runs, and for prompts before it (M/D/1).
  const behindOthers = concurrency > 1 ? stepSeconds / 2 + (busy / (2 * (1 - busy))) * blocking : 0;
  return {
    running: concurrency,
    ttftSeconds: fixed + own + behindOthers + Math.max(0, load.concurrency - concurrency) / rate,
    tpotSeconds: stepSeconds + ((concurrency - 1) * blocking) / outputTokens,
    outputTokensPerSecond: rate * outputTokens,
    inputTokensPerSecond: rate * inputTokens,
    requestsPerSecond: rate,
    prefillShare: busy,
  };
}

/** Input tokens per second of a group that does nothing else. */
export function prefillTokensPerSecond(shape: EngineShape, inputTokens: number): number {
  const tokens = Math.max(inputTokens, shape.chunkPerRankTokens);
  const slowest = Math.max(
    ...stageCosts(shape).map((cost) => {
      const chunks = tokens / shape.chunkPerRankTokens;
      return prefillWorkSeconds(shape, cost, tokens, inputTokens / 2) + chunks * prefillFloorSeconds(shape, cost);
    }),
  );
  return (tokens * shape.layout.dataParallel) / slowest;
}

function prefillSeconds(shape: EngineShape, cost: StageCost, fresh: number, inputTokens: number) {
  const chunks = Math.max(1, fresh / shape.chunkPerRankTokens);
  return {
    // The mean token of the fresh part has the cached part and half of the fresh part behind it.
    work: prefillWorkSeconds(shape, cost, fresh, inputTokens - fresh / 2),
    floor: chunks * prefillFloorSeconds(shape, cost),
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
