import { kvBytesPerToken } from "../memory.ts";
import { exchangeSeconds } from "./exchange.ts";
import { type EngineShape, expertCoverage, type StageCost } from "./shape.ts";

/** FlashAttention and FlashMLA reach more than half of the bf16 rate, which is half of the FP8 rate (FlashAttention-3 paper). */
const ATTENTION_EFFICIENCY = 0.5;
/** Multiply-adds times two of prefill attention for each head and pair of tokens: 192 for the scores, 128 for the values. */
const FLOPS_PER_HEAD_AND_PAIR = 2 * (192 + 128);

/** Seconds of one decode step of one stage: `sequences` in flight in the whole group, each with `contextTokens` behind it. */
export function decodeStepSeconds(
  shape: EngineShape,
  cost: StageCost,
  sequences: number,
  contextTokens: number,
): number {
  const { constants, speeds, layout, architecture } = shape;
  const perRank = Math.max(1, sequences / layout.dataParallel);
  const tokens = perRank * shape.draftTokens;
  const bytesPerSecond = speeds.hbmGBPerSecond * 1e9 * constants.memoryEfficiency;
  // Every rank's tokens meet at the experts, those of other attention ranks too.
  const coverage = expertCoverage(architecture.routedExperts, tokens * layout.dataParallel);
  const weights = (cost.alwaysBytes + cost.routedBytes * coverage) / bytesPerSecond;
  const kv =
    (perRank * contextTokens * kvBytesPerToken(architecture, shape.kvCacheDtype, cost.layers)) / bytesPerSecond;
  const gemm = (tokens * cost.flopsPerToken) / flopsPerSecond(shape);
  const launch = cost.layers * constants.launchMicrosecondsPerLayer * 1e-6;
  const exchange = cost.layers * exchangeSeconds(shape, tokens, "decode");
  // A GEMM is bound by its weights or by its arithmetic, whichever takes longer.
  return launch + Math.max(weights, gemm) + kv + exchange;
}

/** Seconds that `tokens` new tokens of one attention-DP rank keep a stage busy; `contextTokens` is the mean behind each. */
export function prefillWorkSeconds(shape: EngineShape, cost: StageCost, tokens: number, contextTokens: number): number {
  const { architecture, layout, speeds } = shape;
  const heads = (architecture.attentionHeads * layout.dataParallel) / layout.tensorParallel;
  const attentionFlops = tokens * contextTokens * heads * FLOPS_PER_HEAD_AND_PAIR * cost.layers;
  const gemm = (tokens * cost.flopsPerToken) / flopsPerSecond(shape);
  const attention = attentionFlops / ((speeds.fp8Tflops / 2) * 1e12 * ATTENTION_EFFICIENCY);
  const exchange = cost.layers * exchangeSeconds(shape, tokens, "prefill");
  return shape.overlap ? Math.max(gemm + attention, exchange) : gemm + attention + exchange;
}

/** Seconds of a prefill batch whatever is in it: kernels that no graph holds. Its weights stream meanwhile. */
export function prefillFloorSeconds(shape: EngineShape, cost: StageCost): number {
  return cost.layers * shape.constants.prefillMicrosecondsPerLayer * 1e-6;
}

function flopsPerSecond({ speeds, constants, layout }: EngineShape): number {
  const whole = layout.expertParallel === layout.tensorParallel && layout.tensorParallel > 1;
  const efficiency = whole ? constants.wholeExpertEfficiency : constants.cutExpertEfficiency;
  return speeds.fp8Tflops * 1e12 * efficiency;
}
