import type { Architecture, Model } from "../catalogue.ts";
import type { Layout } from "../serving-plan.ts";
import { type Stage, stagesOf, stageWeightBytes } from "../weights.ts";
import type { Constants, Speeds } from "./constants.ts";

/** `gbPerSecond` for each GPU and direction: 400 Gbit/s is 50. Without RDMA all GPUs of a server share one interface. */
export interface Fabric {
  kind: "infiniband" | "roce" | "none";
  gbPerSecond: number;
}

/** One engine on its GPUs: all that a time depends on apart from the requests. */
export interface EngineShape {
  speeds: Speeds;
  constants: Constants;
  architecture: Architecture;
  model: Model;
  layout: Layout;
  gpusPerServer: number;
  fabric: Fabric;
  kvCacheDtype: "bfloat16" | "fp8_e4m3";
  /** Tokens that one step checks for each sequence; 1 without MTP. */
  draftTokens: number;
  deepep: boolean;
  /** Two batches take turns so that one computes while the other travels (`--enable-two-batch-overlap`). */
  overlap: boolean;
  chunkPerRankTokens: number;
  /** Tokens of KV that the whole group holds: what does not fit waits. */
  kvTokens: number;
}

/** What one GPU of a stage holds and computes; counted once, used for every load. */
export interface StageCost {
  layers: number;
  /** Read on every step whatever the batch: attention, shared experts, dense layers, head. */
  alwaysBytes: number;
  /** All routed experts of this GPU; a small batch reads only those that it hits. */
  routedBytes: number;
  /** Multiply-adds times two for one token, divided over the ranks that share it. */
  flopsPerToken: number;
}

/** Servers that the ranks of one stage lie on. */
export function serversOfStage({ layout, gpusPerServer }: EngineShape): number {
  return Math.max(1, Math.ceil(layout.tensorParallel / gpusPerServer));
}

/** The costs of every pipeline stage. */
export function stageCosts(shape: EngineShape): StageCost[] {
  return stagesOf(shape.architecture, shape.layout.pipelineParallel).map((stage) => stageCost(shape, stage));
}

function stageCost(shape: EngineShape, stage: Stage): StageCost {
  const { architecture: a, model, layout, deepep } = shape;
  const speculative = shape.draftTokens > 1;
  const moeLayers = stage.layers - stage.denseLayers + (speculative && stage.last ? 1 : 0);
  const slots = a.routedExperts + layout.redundantExperts;
  const expertBytes = (a.parametersPerRoutedExpert * model.routedExpertBits) / 8;
  const routedBytes = (moeLayers * slots * expertBytes) / layout.tensorParallel;
  const attentionTp = layout.tensorParallel / layout.dataParallel;
  const all = stageWeightBytes(a, model, layout, stage, { speculative, deepep });
  // A step looks up a few rows of the embedding; it never reads the table.
  const embedding = stage.first ? (2 * a.embeddingParameters) / attentionTp : 0;
  const attention =
    a.attentionReplicatedParametersPerLayer +
    (a.attentionParametersPerLayer - a.attentionReplicatedParametersPerLayer) / attentionTp;
  // The experts' work is spread over all ranks; with attention DP a rank sees only its own tokens.
  const share = layout.dataParallel / layout.tensorParallel;
  const expertWork = EXPERTS_PER_TOKEN * a.parametersPerRoutedExpert + a.sharedExpertParametersPerLayer;
  return {
    layers: stage.layers,
    alwaysBytes: Math.max(0, all - routedBytes - embedding),
    routedBytes,
    flopsPerToken:
      2 *
      (stage.layers * attention +
        share * (moeLayers * expertWork + stage.denseLayers * a.denseMlpParametersPerLayer) +
        (stage.last ? a.headParameters / attentionTp : 0)),
  };
}

/** `num_experts_per_tok` of DeepSeek-V3 and R1 (config.json). */
export const EXPERTS_PER_TOKEN = 8;

/** Share of the experts that at least one of `tokens` tokens is sent to, if the router spreads evenly. */
export function expertCoverage(routedExperts: number, tokens: number): number {
  if (routedExperts === 0) return 0;
  return 1 - (1 - EXPERTS_PER_TOKEN / routedExperts) ** tokens;
}
