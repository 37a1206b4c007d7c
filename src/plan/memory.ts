import type { Architecture, Gpu, Model } from "./catalogue.ts";
import type { Layout, MemoryPlan } from "./serving-plan.ts";
import { stagesOf, stageWeightBytes } from "./weights.ts";
import type { Workload } from "./workload.ts";

const GIB = 2 ** 30;
/** CUDA context and libraries before the first weight: H200 logs 82.3 GiB used against 79.5 of weights (#3416). */
const CONTEXT_GIB = 1.3;
/** SGLang's own reserves (srt/arg_groups/memory_hook.py:300-390), in MiB. */
const METADATA_MIB = 512;
const PER_RANK_BUFFERS_MIB = 128;
const PER_GRAPH_BATCH_MIB = 2;
const MLA_PREFILL_GRAPH_MIB = 1536;
const DP_PADDING_PER_BATCH_MIB = 3;
const DEEPEP_BUFFERS_MIB = 2048 + 1024;
/** Activation coefficient by attention-TP width (NVIDIA aiconfigurator 0.10.0, DeepSeek on SGLang), times 1.15. */
const ACTIVATION_COEFFICIENTS: readonly [number, number][] = [
  [1, 28],
  [2, 17],
  [4, 13],
];
/** 0.85 is the fraction of the documented 2×8 recipes; SGLang's docs ask for 5 to 8 GB left in the ready log line. */
const RECIPE_FRACTION = 0.85;
const HIGHEST_FRACTION = 0.9;
const WANTED_HEADROOM_GIB = 5.5;
export const LEAST_HEADROOM_GIB = 2;

export interface MemoryInput {
  gpu: Gpu;
  architecture: Architecture;
  model: Model;
  layout: Layout;
  workload: Workload;
  kvCacheDtype: "bfloat16" | "fp8_e4m3";
  /** Overrides the chosen fraction. */
  memFractionStatic: number | undefined;
}

/**
 * Bytes of KV that one token takes on one of `attentionTp` ranks that hold `layers` layers together. MLA keeps one latent,
 * never one per head, and every rank has it; grouped-query attention splits its KV heads, and copies them beyond their number.
 */
export function kvBytesPerToken(
  { kvHeads, kvBytesPerTokenPerLayer }: Architecture,
  kvCacheDtype: "bfloat16" | "fp8_e4m3",
  layers: number,
  attentionTp: number,
): number {
  const share = kvHeads === null ? 1 : Math.ceil(kvHeads / attentionTp) / kvHeads;
  return kvBytesPerTokenPerLayer[kvCacheDtype] * share * layers;
}

/** GiB that `1 - mem-fraction-static` has to hold: metadata, activations of one chunk, graphs, NCCL, NVSHMEM. */
export function workspaceGiB({ architecture, layout, workload }: MemoryInput): number {
  const attentionTp = layout.tensorParallel / layout.dataParallel;
  const coefficient = ACTIVATION_COEFFICIENTS.find(([tp]) => attentionTp <= tp)?.[1] ?? 13;
  const activationBytes = 2 * workload.chunkPerRankTokens * architecture.hiddenSize * coefficient * 1.15;
  let mib = METADATA_MIB + PER_RANK_BUFFERS_MIB * layout.tensorParallel * layout.pipelineParallel;
  mib += PER_GRAPH_BATCH_MIB * workload.decodeBatchPerRank * workload.draftTokens;
  // Pipelines run their prefill without a graph.
  if (layout.pipelineParallel === 1 && architecture.kvHeads === null) mib += MLA_PREFILL_GRAPH_MIB;
  if (workload.a2aBackend === "deepep")
    mib += DEEPEP_BUFFERS_MIB + DP_PADDING_PER_BATCH_MIB * workload.decodeBatchPerRank;
  // Without DeepEP (and so without --enable-dp-lm-head doing it alone) every rank pads to the batches of all.
  else if (layout.dataParallel > 1) mib += DP_PADDING_PER_BATCH_MIB * workload.decodeBatchPerRank * layout.dataParallel;
  return mib / 1024 + activationBytes / GIB;
}

/** The largest fraction that keeps 5.5 GiB free, at most 0.90; 0.85 where that is more and still leaves 2 GiB. */
export function chooseFraction(freeGiB: number, workspace: number): number {
  const leaving = (headroom: number) => Math.floor(((freeGiB - workspace - headroom) / freeGiB) * 100) / 100;
  const roomy = Math.min(HIGHEST_FRACTION, leaving(WANTED_HEADROOM_GIB));
  return roomy >= RECIPE_FRACTION ? roomy : Math.min(RECIPE_FRACTION, leaving(LEAST_HEADROOM_GIB));
}

/**
 * Memory of the fullest GPU of a layout. The model, `KV = free before load × fraction − weights`, gives 724,164 tokens
 * where SGLang's docs log 712,400 (2×8 H20, fraction 0.93). Negative KV means that the weights do not fit.
 */
export function memoryOf(input: MemoryInput): MemoryPlan {
  const { gpu, architecture, model, layout, workload, kvCacheDtype } = input;
  const gpuGiB = gpu.totalMiB / 1024;
  const freeGiB = gpuGiB - CONTEXT_GIB;
  const workspace = workspaceGiB(input);
  const memFractionStatic = input.memFractionStatic ?? chooseFraction(freeGiB, workspace);
  const speculative = workload.draftTokens > 1;
  const attentionTp = layout.tensorParallel / layout.dataParallel;

  let weightsGiB = 0;
  let kvGiB = 0;
  let tokensPerRank = Number.POSITIVE_INFINITY;
  let bytesPerToken = 0;
  for (const stage of stagesOf(architecture, layout.pipelineParallel)) {
    const deepep = workload.a2aBackend === "deepep";
    const weights = stageWeightBytes(architecture, model, layout, stage, { speculative, deepep }) / GIB;
    const pool = freeGiB * memFractionStatic - weights;
    const layers = stage.layers + (speculative && stage.last ? 1 : 0);
    const perToken = kvBytesPerToken(architecture, kvCacheDtype, layers, attentionTp);
    const tokens = Math.floor((pool * GIB) / perToken);
    bytesPerToken += perToken;
    // The stage with the smallest pool decides for all: a token needs its KV on every stage.
    if (tokens < tokensPerRank) {
      tokensPerRank = tokens;
      weightsGiB = weights;
      kvGiB = pool;
    }
  }
  return {
    gpuGiB,
    weightsGiBPerGpu: weightsGiB,
    kvGiBPerGpu: kvGiB,
    workspaceGiBPerGpu: workspace + CONTEXT_GIB,
    headroomGiBPerGpu: freeGiB * (1 - memFractionStatic) - workspace,
    kvBytesPerToken: bytesPerToken,
    kvTokens: tokensPerRank * layout.dataParallel,
    memFractionStatic,
    maxContextTokens: Math.max(0, Math.min(architecture.maxContextLength, tokensPerRank)),
  };
}
