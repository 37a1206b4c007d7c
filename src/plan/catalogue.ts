import type { ClusterSpec } from "../spec/schema.ts";
import architectureData from "./data/architectures.json" with { type: "json" };
import gpuData from "./data/gpus.json" with { type: "json" };
import modelData from "./data/models.json" with { type: "json" };

export type GpuKind = ClusterSpec["servers"][string]["gpu"];
export type ModelPreset = ClusterSpec["model"]["preset"];

/** One kind of GPU. `totalMiB` is what nvidia-smi reports; `nvlinkDomain` counts the GPUs joined by NVLink. */
export interface Gpu {
  product: string;
  totalMiB: number;
  nvlinkDomain: number;
  architecture: string;
  fp8: boolean;
  source: string;
}

/** Shape of the network and its parameters per part (counts, not bytes). */
export type Architecture = Omit<(typeof architectureData)["deepseek-v3"], "sources">;

/** One checkpoint. Bits are per parameter on the GPU with scales; `checkpointGB` is decimal, as disks are sold. */
export interface Model {
  repository: string;
  architecture: string;
  quantization: "fp8" | "awq" | "w4afp8";
  routedExpertBits: number;
  blockSize: number;
  checkpointGB: number;
  mtp: boolean;
  reasoningParser: string | null;
  toolCallParser: string | null;
  toolCallsNeedTemplate: boolean;
  source: string;
}

// The JSON files carry the numbers with their sources; these narrow them to what a spec can name.
const gpus: Record<GpuKind, Gpu> = gpuData;
const models = modelData as unknown as Record<ModelPreset, Model>;
const architectures: Record<string, Architecture> = { "deepseek-v3": architectureData["deepseek-v3"] };

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
