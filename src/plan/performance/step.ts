import { hasExperts } from "../catalogue.ts";
import { kvBytesPerToken } from "../memory.ts";
import { exchangeSeconds } from "./exchange.ts";
import { type EngineShape, expertCoverage, type StageCost } from "./shape.ts";

/** FlashAttention and FlashMLA reach more than half of the bf16 rate (FlashAttention-3 paper). */
const ATTENTION_EFFICIENCY = 0.5;
/** What large dense GEMMs reach of the peak. An assumption for the distilled models: no published run of theirs is used. */
const DENSE_EFFICIENCY = 0.5;

/** Seconds of one decode step of one stage: `sequences` in flight in the whole group, each with `contextTokens` behind it. */
export function decodeStepSeconds(
  shape: EngineShape,
  cost: StageCost,
  sequences: number,
  contextTokens: number,
): number {
  const { constants, speeds, layout, architecture } = shape;
  const perRank = Math.max(1, sequences / layout.dataParallel);
  const attentionTp = layout.tensorParallel / layout.dataParallel;
  const tokens = perRank * shape.draftTokens;
  const bytesPerSecond = speeds.hbmGBPerSecond * 1e9 * constants.memoryEfficiency;
  // Every rank's tokens meet at the experts, those of other attention ranks too.
  const coverage = expertCoverage(architecture.routedExperts, tokens * layout.dataParallel);
  const weights = (cost.alwaysBytes + cost.routedBytes * coverage) / bytesPerSecond;
  const kv =
    (perRank * contextTokens * kvBytesPerToken(architecture, shape.kvCacheDtype, cost.layers, attentionTp)) /
    bytesPerSecond;
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
  // Multiply-adds times two for each head and pair of tokens: the scores, then the values.
  const flopsPerPair = 2 * (architecture.scoreDimension + architecture.valueDimension);
  const attentionFlops = tokens * contextTokens * heads * flopsPerPair * cost.layers;
  const gemm = (tokens * cost.flopsPerToken) / flopsPerSecond(shape);
  const attention = attentionFlops / (speeds.bf16Tflops * 1e12 * ATTENTION_EFFICIENCY);
  const exchange = cost.layers * exchangeSeconds(shape, tokens, "prefill");
  return shape.overlap ? Math.max(gemm + attention, exchange) : gemm + attention + exchange;
}

/** Seconds of a prefill batch whatever is in it: kernels that no graph holds. Its weights stream meanwhile. */
export function prefillFloorSeconds(shape: EngineShape, cost: StageCost): number {
  return cost.layers * shape.constants.prefillMicrosecondsPerLayer * 1e-6;
}

function flopsPerSecond({ speeds, constants, layout, model, architecture }: EngineShape): number {
  const isFp8 = model.quantization === "fp8" || model.quantization === "w4afp8";
  // 4-bit AWQ weights are widened for bf16 arithmetic.
  const tflops = isFp8 ? (speeds.fp8Tflops ?? speeds.bf16Tflops) : speeds.bf16Tflops;
  if (!hasExperts(architecture)) return tflops * 1e12 * DENSE_EFFICIENCY;
  const whole = layout.expertParallel === layout.tensorParallel && layout.tensorParallel > 1;
  const efficiency = whole ? constants.wholeExpertEfficiency : constants.cutExpertEfficiency;
  return tflops * 1e12 * efficiency;
}
