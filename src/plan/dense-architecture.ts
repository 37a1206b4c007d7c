import type { Architecture } from "./catalogue.ts";

/** What config.json of a Llama or Qwen checkpoint says about its shape. */
export interface DenseGeometry {
  layers: number;
  hiddenSize: number;
  attentionHeads: number;
  kvHeads: number;
  headDimension: number;
  intermediateSize: number;
  vocabularySize: number;
  maxContextLength: number;
}

/**
 * A dense model in the terms of the planner: every layer is a dense layer, there are no experts, and the KV cache is
 * grouped-query attention's. Biases and norms (below 0.1 %) are left out: 70.6 billion for Llama-70B, as its card says.
 */
export function denseArchitecture(of: DenseGeometry): Architecture {
  const { layers, hiddenSize, attentionHeads, kvHeads, headDimension, intermediateSize, vocabularySize } = of;
  const kvElements = 2 * kvHeads * headDimension;
  return {
    layers,
    denseLayers: layers,
    hiddenSize,
    attentionHeads,
    scoreDimension: headDimension,
    valueDimension: headDimension,
    vocabularySize,
    routedExperts: 0,
    moeIntermediateSize: 0,
    denseIntermediateSize: intermediateSize,
    parametersPerRoutedExpert: 0,
    attentionParametersPerLayer: hiddenSize * (2 * attentionHeads * headDimension + kvElements),
    attentionReplicatedParametersPerLayer: 0,
    kvUpProjectionParametersPerLayer: 0,
    sharedExpertParametersPerLayer: 0,
    denseMlpParametersPerLayer: 3 * hiddenSize * intermediateSize,
    gateParametersPerLayer: 0,
    embeddingParameters: vocabularySize * hiddenSize,
    headParameters: vocabularySize * hiddenSize,
    mtpProjectionParameters: 0,
    kvHeads,
    kvBytesPerTokenPerLayer: { bfloat16: 2 * kvElements, fp8_e4m3: kvElements },
    maxContextLength: of.maxContextLength,
  };
}
