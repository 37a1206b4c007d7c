import type { ModelOutput } from "./model-output.ts";

/** Figures of the memory model, by the name of their topic. */
export const MEMORY_OUTPUTS: Readonly<Record<string, ModelOutput>> = {
  "weights-memory": {
    figures: ["weightsGiBPerGpu"],
    sources: "SGLang's memory",
    means: "GiB of weights on the fullest GPU of a layout",
    formula:
      "layers · (attention / attention-TP + experts · bits / (8 · TP)) + dense layers + embedding and head in bf16; full copies of dense parts with DeepEP",
    inputs: "parameters per part (config.json), bits of the build, layout, redundant experts, MTP",
    constants: [],
  },
  "kv-tokens": {
    figures: ["kvTokens", "kvTokensPerGroup", "kvGiBPerGpu", "kvBytesPerToken", "maxContextTokens"],
    sources: "SGLang's memory",
    means: "tokens that the KV cache of a group holds; the longest request is what one attention rank holds",
    formula:
      "(free before load · fraction − weights) / bytes of a token, of the fullest stage, times the attention-DP ranks; MLA keeps one latent of 576 elements a layer on every rank, grouped-query attention its KV heads split over the ranks",
    inputs: "memory of the GPU, fraction, weights, engine.kvCacheDtype, layout",
    constants: [],
  },
  "workspace-memory": {
    figures: ["workspaceGiBPerGpu", "headroomGiBPerGpu", "memFractionStatic", "gpuGiB"],
    sources: "SGLang's memory",
    means: "what --mem-fraction-static leaves: graphs, activations, buffers, CUDA context, and what stays free",
    formula:
      "512 MiB + 128 MiB a rank + 2 MiB a request of the batch + 1.5 GiB for the MLA prefill graph + 3 GiB for DeepEP + activations of one chunk; the fraction leaves 5.5 GiB free where it can",
    inputs: "memory of the GPU, layout, batch, chunk",
    constants: [],
  },
};
