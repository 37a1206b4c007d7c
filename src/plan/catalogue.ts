import type { ClusterSpec } from "../spec/schema.ts";
import architectureData from "./data/architectures.json" with { type: "json" };
import denseData from "./data/dense-architectures.json" with { type: "json" };
import gpuData from "./data/gpus.json" with { type: "json" };
import modelData from "./data/models.json" with { type: "json" };
import { denseArchitecture } from "./dense-architecture.ts";

export type GpuKind = ClusterSpec["servers"][string]["gpu"];
export type ModelPreset = ClusterSpec["model"]["preset"];

/** One kind of GPU. `totalMiB` is what nvidia-smi reports; `nvlinkDomain` counts the GPUs joined by NVLink. */
export interface Gpu {
  product: string;
  totalMiB: number;
  nvlinkDomain: number;
  architecture: "ampere" | "hopper" | "blackwell";
  fp8: boolean;
  source: string;
}

/** Shape of the network and its parameters per part (counts, not bytes). */
export interface Architecture extends Omit<(typeof architectureData)["deepseek-v3"], "sources" | "kvHeads"> {
  /** Heads that the KV cache is split by over the attention-TP ranks; null: one latent, which every rank keeps. */
  kvHeads: number | null;
}

/** One checkpoint. Bits are per parameter on the GPU with scales; `checkpointGB` is decimal, as disks are sold. */
export interface Model {
  repository: string;
  architecture: string;
  /** `none`: bf16, as it was trained. */
  quantization: "fp8" | "awq" | "w4afp8" | "none";
  linearBits: number;
  routedExpertBits: number;
  blockSize: number;
  checkpointGB: number;
  mtp: boolean;
  reasoningParser: string | null;
  toolCallParser: string | null;
  toolCallsNeedTemplate: boolean;
  /** Share of GPQA Diamond's questions answered right, in percent, as DeepSeek reports it; known for R1 and its distilled models. */
  gpqaDiamond?: number;
  source: string;
}

// The JSON files carry the numbers with their sources; these narrow them to what a spec can name.
const gpus = gpuData as unknown as Record<GpuKind, Gpu>;
const models = modelData as unknown as Record<ModelPreset, Model>;
const { _about: _aboutDense, ...dense } = denseData;
const architectures: Record<string, Architecture> = {
  "deepseek-v3": architectureData["deepseek-v3"],
  "deepseek-v3.2": architectureData["deepseek-v3.2"],
  ...Object.fromEntries(Object.entries(dense).map(([name, geometry]) => [name, denseArchitecture(geometry)])),
};

export function gpuOf(kind: GpuKind): Gpu {
  return gpus[kind];
}

export function modelOf(preset: ModelPreset): Model {
  return models[preset];
}

export function architectureOf(model: Model): Architecture {
  const found = architectures[model.architecture];
  if (found === undefined) throw new Error(`models.json names an unknown architecture: ${model.architecture}`);
  return found;
}

/** Whether a model is one of routed experts; the distilled ones are dense. */
export function hasExperts(architecture: Architecture): boolean {
  return architecture.routedExperts > 0;
}
