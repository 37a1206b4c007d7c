import type { Architecture, Model } from "./catalogue.ts";
import type { Layout } from "./serving-plan.ts";

export interface WeightOptions {
  /** The last pipeline stage also holds the MTP (NextN) layer. */
  speculative: boolean;
  /** DeepEP runs dense layers and shared experts on each rank alone (--moe-dense-tp-size 1): full copies. */
  deepep: boolean;
}

/** Layers of one pipeline stage: SGLang gives the last stages one layer more when they do not divide. */
export interface Stage {
  layers: number;
  denseLayers: number;
  first: boolean;
  last: boolean;
}

/** How the layers spread over `pipelineParallel` stages (srt/distributed/utils.py: get_pp_indices). */
export function stagesOf(architecture: Architecture, pipelineParallel: number): Stage[] {
  const base = Math.floor(architecture.layers / pipelineParallel);
  const remainder = architecture.layers % pipelineParallel;
  const stages: Stage[] = [];
  let start = 0;
  for (let rank = 0; rank < pipelineParallel; rank += 1) {
    const layers = base + (rank >= pipelineParallel - remainder ? 1 : 0);
    const denseLayers = Math.max(0, Math.min(architecture.denseLayers, start + layers) - start);
    start += layers;
    stages.push({ layers, denseLayers, first: rank === 0, last: rank === pipelineParallel - 1 });
  }
  return stages;
}

/**
 * Bytes of weights on one GPU of a stage. Linear layers are FP8 (1 byte; 4-bit builds quantise the routed experts
 * only; distilled models are bf16), embedding, head, router gates and the absorbed kv_b copies are bf16. Reproduces 40.3 GiB for TP16, 57.7 GiB
 * for DP16·EP16 and 79.5 GiB for TP8 of DeepSeek-V3.
 */
export function stageWeightBytes(
  architecture: Architecture,
  model: Model,
  layout: Layout,
  stage: Stage,
  { speculative, deepep }: WeightOptions,
): number {
  const a = architecture;
  const attentionTp = layout.tensorParallel / layout.dataParallel;
  const denseTp = deepep ? 1 : layout.tensorParallel;
  const slots = a.routedExperts + layout.redundantExperts;

  const linearBytes = model.linearBits / 8;
  const attention =
    linearBytes *
      (a.attentionReplicatedParametersPerLayer +
        (a.attentionParametersPerLayer - a.attentionReplicatedParametersPerLayer) / attentionTp) +
    (2 * a.kvUpProjectionParametersPerLayer) / attentionTp;
  const experts = (slots * a.parametersPerRoutedExpert * model.routedExpertBits) / 8 / layout.tensorParallel;
  const moeLayer = experts + a.sharedExpertParametersPerLayer / denseTp + 2 * a.gateParametersPerLayer;
  const denseLayer = (linearBytes * a.denseMlpParametersPerLayer) / denseTp;

  let bytes = stage.layers * attention + (stage.layers - stage.denseLayers) * moeLayer + stage.denseLayers * denseLayer;
  if (stage.first) bytes += (2 * a.embeddingParameters) / attentionTp;
  if (stage.last) bytes += (2 * a.headParameters) / attentionTp;
  // The MTP layer is one more MoE layer and a projection; it shares embedding and head with the model.
  if (speculative && stage.last) bytes += attention + moeLayer + a.mtpProjectionParameters;
  return bytes;
}
