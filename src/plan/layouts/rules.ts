import type { ClusterSpec } from "../../spec/schema.ts";
import { hasExperts } from "../catalogue.ts";
import type { Layout, MemoryPlan } from "../serving-plan.ts";
import { thousands } from "../thousands.ts";
import { MAX_DISPATCH_TOKENS, type Workload } from "../workload.ts";
import type { Fleet } from "./fleet.ts";

/** Everything that a rule may look at. */
export interface Candidate {
  spec: ClusterSpec;
  fleet: Fleet;
  layout: Layout;
  workload: Workload;
  memory: MemoryPlan;
}

/**
 * A condition that a layout must meet. `violated` gives the sentence with the numbers and what would work instead.
 * `where` is the place in SGLang 0.5.23 that fails otherwise, or says that SGLang does not check and what happens.
 */
export interface LayoutRule {
  id: string;
  means: string;
  where: string;
  violated: (candidate: Candidate) => string | undefined;
}

const number = thousands;
const gib = (value: number) => `${value.toFixed(1)} GiB`;

export const LAYOUT_RULES: readonly LayoutRule[] = [
  {
    id: "gpus_filled",
    means: "tensor × pipeline ranks are exactly the GPUs of a group, one rank each.",
    where: "not checked by SGLang 0.5.23 arguments: ranks without a GPU fail at start, GPUs without a rank idle",
    violated: ({ layout, fleet }) => {
      const ranks = layout.tensorParallel * layout.pipelineParallel;
      const gpus = fleet.servers * fleet.gpusPerServer;
      return ranks === gpus
        ? undefined
        : `needs ${ranks} GPUs, a group has ${gpus} (${fleet.servers} × ${fleet.gpusPerServer}); use one with tp × pp = ${gpus}`;
    },
  },
  {
    id: "pp_nodes",
    means: "Pipeline stages and servers divide each other, so that no stage straddles two servers by half.",
    where: "srt/entrypoints/engine.py:757: ranks per server are computed with integer divisions and go missing",
    violated: ({ layout: { pipelineParallel: pp }, fleet: { servers } }) =>
      pp % servers === 0 || servers % pp === 0
        ? undefined
        : `${pp} pipeline stages do not divide over ${servers} servers; use a multiple or a divisor of ${servers}`,
  },
  {
    id: "dp_attn_tp_mod",
    means: "The attention-DP size divides the tensor-parallel size.",
    where: "srt/arg_groups/parallel_hook.py:326 (assert without a message)",
    violated: ({ layout: { tensorParallel: tp, dataParallel: dp } }) =>
      tp % dp === 0 ? undefined : `attention DP ${dp} does not divide tp ${tp}; use a divisor of ${tp}`,
  },
  {
    id: "ep_divides_tp",
    means: "The expert-parallel size divides the tensor-parallel size.",
    where: "not checked by SGLang 0.5.23 arguments (3 and 32 are accepted at tp 16): the start fails later",
    violated: ({ layout: { tensorParallel: tp, expertParallel: ep } }) =>
      tp % ep === 0 ? undefined : `ep ${ep} does not divide tp ${tp}; use a divisor of ${tp}`,
  },
  {
    id: "heads_divisible",
    means: "Attention heads divide over the attention-TP ranks (tp / attention DP).",
    where: "not checked by SGLang 0.5.23 arguments: tp 12 is accepted and fails while the model is built",
    violated: ({ layout, fleet: { architecture } }) => {
      const ranks = layout.tensorParallel / layout.dataParallel;
      return architecture.attentionHeads % ranks === 0
        ? undefined
        : `${architecture.attentionHeads} attention heads do not divide over ${ranks} ranks; use ${hasExperts(architecture) ? "a power of two: 8 or 16 GPUs, not 12" : `a divisor of ${architecture.attentionHeads}`}`;
    },
  },
  {
    id: "fp8_block_tp",
    means: "A rank's share of an expert (2048 / moe-TP) is a multiple of the quantisation block of 128.",
    where: "srt/layers/quantization/fp8.py:1599, w4afp8.py:178; the arguments accept tp 32",
    violated: ({ layout, fleet: { architecture, model } }) => {
      const moeTp = layout.tensorParallel / layout.expertParallel;
      const share = architecture.moeIntermediateSize / moeTp;
      if (share % model.blockSize === 0 || !hasExperts(architecture)) return undefined;
      return `an expert of width ${architecture.moeIntermediateSize} over ${moeTp} ranks gives ${round(share)}, not a multiple of the ${model.quantization} block ${model.blockSize}; use moe-TP (tp / ep) of at most ${architecture.moeIntermediateSize / model.blockSize}`;
    },
  },
  {
    id: "fp8_dense_tp",
    means: "A rank's share of the dense layers (18432 / tp) is a multiple of the quantisation block of 128.",
    where: "srt/layers/quantization/fp8.py:608",
    violated: ({ layout, workload, fleet: { architecture, model } }) => {
      const tp = workload.a2aBackend === "deepep" ? 1 : layout.tensorParallel;
      const share = architecture.denseIntermediateSize / tp;
      return share % model.blockSize === 0
        ? undefined
        : `dense layers of width ${architecture.denseIntermediateSize} over ${tp} ranks give ${round(share)}, not a multiple of ${model.blockSize}; use tp 16 or less, or attention DP with DeepEP (dense layers then stay whole)`;
    },
  },
  {
    id: "shared_expert_tp",
    means: "A rank's share of the shared expert (2048 / tp) is a multiple of the quantisation block of 128.",
    where: "srt/layers/quantization/fp8.py:608: the shared expert is a dense layer of expert width",
    violated: ({ layout, workload, fleet: { architecture, model } }) => {
      const tp = workload.a2aBackend === "deepep" ? 1 : layout.tensorParallel;
      const share = architecture.moeIntermediateSize / tp;
      return share % model.blockSize === 0 || !hasExperts(architecture)
        ? undefined
        : `the shared expert of width ${architecture.moeIntermediateSize} over ${tp} ranks gives ${round(share)}, not a multiple of ${model.blockSize}; use tp ${architecture.moeIntermediateSize / model.blockSize} or less, or attention DP with DeepEP`;
    },
  },
  {
    id: "gpu_arithmetic",
    means:
      "The GPU computes what the weights and the KV cache are stored in: FP8 needs Hopper or later, W4AFP8 Hopper itself.",
    where:
      "SGLang 0.5.23 cookbook DeepSeek-V3.mdx, table of hardware: A100 takes 4-bit AWQ on 8, INT8 on 16 or BF16 on 32; w4afp8.py has kernels for sm90",
    violated: ({ fleet: { gpu, gpuKind, model }, spec }) => {
      if (model.quantization === "fp8" && !gpu.fp8) {
        return `${gpuKind} has no FP8 and ${spec.model.preset} is FP8; use deepseek-r1-0528-awq (4-bit, one server of 8) or a distilled model (INT8 and BF16 builds of the full model need 16 and 32 GPUs; they are not planned here)`;
      }
      if (model.quantization === "w4afp8" && gpu.architecture !== "hopper") {
        return `the kernels of W4AFP8 are for Hopper and ${gpuKind} is ${gpu.architecture}; use ${gpu.fp8 ? "the FP8 build" : "deepseek-r1-0528-awq"}`;
      }
      if (spec.engine.kvCacheDtype === "fp8_e4m3" && !gpu.fp8) {
        return `${gpuKind} has no FP8 for engine.kvCacheDtype fp8_e4m3; use bfloat16`;
      }
      return undefined;
    },
  },
  {
    id: "dense_splits",
    means: "A dense model is split by tensor parallelism within its KV heads' multiples, and by pipeline stages.",
    where:
      "srt/models/llama.py, qwen2.py: no experts to spread; attention DP is for DeepSeek and mixture models; KV heads and ranks divide each other",
    violated: ({ layout, fleet: { architecture }, spec }) => {
      const { kvHeads } = architecture;
      if (hasExperts(architecture) || kvHeads === null) return undefined;
      const { tensorParallel: tp, dataParallel: dp, expertParallel: ep } = layout;
      if (dp > 1 || ep > 1) {
        return `${spec.model.preset} is dense: it has no experts to spread and no attention DP; use tensor parallelism alone`;
      }
      return kvHeads % tp === 0 || tp % kvHeads === 0
        ? undefined
        : `${kvHeads} KV heads and tp ${tp} do not divide each other; use tp ${kvHeads} or a divisor of it`;
    },
  },
  {
    id: "redundant_mod",
    means: "Routed experts plus redundant ones divide over the expert-parallel ranks.",
    where: "srt/eplb/expert_location.py:256 (assert at start; the arguments accept it)",
    violated: ({ layout, fleet: { architecture } }) => {
      const slots = architecture.routedExperts + layout.redundantExperts;
      const { expertParallel: ep, redundantExperts: extra } = layout;
      return slots % ep === 0
        ? undefined
        : `${architecture.routedExperts} + ${extra} = ${slots} experts do not divide over ep ${ep}; use ${Math.floor(extra / ep) * ep} or ${Math.ceil(extra / ep) * ep} redundant experts`;
    },
  },
  {
    id: "redundant_needs_ep",
    means: "Redundant experts are copies on other expert-parallel ranks.",
    where: "srt/arg_groups/parallel_hook.py:791 (EPLB needs ep > 1)",
    violated: ({ layout, spec }) =>
      layout.expertParallel === 1 && (layout.redundantExperts > 0 || spec.engine.redundantExperts > 0)
        ? `${Math.max(layout.redundantExperts, spec.engine.redundantExperts)} redundant experts need expert parallelism; use a layout with ep, or engine.redundantExperts 0`
        : undefined,
  },
  {
    id: "pp_spec",
    means: "Multi-token prediction and pipeline parallelism do not go together.",
    where: "srt/arg_groups/validation_hook.py:161",
    violated: ({ layout, spec }) =>
      spec.engine.speculative && layout.pipelineParallel > 1
        ? `engine.speculative with ${layout.pipelineParallel} pipeline stages is refused by SGLang; use a layout without pp, or engine.speculative false`
        : undefined,
  },
  {
    id: "spec_needs_mtp",
    means: "Multi-token prediction needs the checkpoint's NextN layer.",
    where: "srt/speculative: EAGLE loads the draft layer from the checkpoint; 4-bit and distilled builds have none",
    violated: ({ spec, fleet: { model } }) =>
      spec.engine.speculative && !model.mtp
        ? `${spec.model.preset} has no NextN layer; use engine.speculative false, or a build with it`
        : undefined,
  },
  {
    id: "deepep_dispatch_limit",
    means: "Decode batch of a rank times draft tokens is at most 1,024 with DeepEP.",
    where: "srt/layers/moe/token_dispatcher/deepep.py:409",
    violated: ({ layout, workload }) =>
      workload.a2aBackend === "deepep" && workload.decodeBatchPerRank * workload.draftTokens > MAX_DISPATCH_TOKENS
        ? `${workload.decodeBatchPerRank} requests × ${workload.draftTokens} tokens per rank are more than DeepEP's ${number(MAX_DISPATCH_TOKENS)}; use engine.maxRunningRequests of at most ${number((MAX_DISPATCH_TOKENS / workload.draftTokens) * layout.dataParallel)}`
        : undefined,
  },
  {
    id: "max_running_dp",
    means: "Every attention-DP rank takes at least one request.",
    where: "not checked by SGLang 0.5.23 arguments: the per-rank limit becomes 0",
    violated: ({ layout, workload }) =>
      workload.maxRunningRequests < layout.dataParallel
        ? `engine.maxRunningRequests ${workload.maxRunningRequests} is less than the ${layout.dataParallel} attention-DP ranks; use ${layout.dataParallel} or more`
        : undefined,
  },
  {
    id: "weights_fit",
    means: "Weights fit the static share of one GPU and leave room for KV.",
    where: 'srt/mem_cache: "Not enough memory" after minutes of loading',
    violated: ({ memory, fleet }) => {
      if (memory.kvGiBPerGpu > 0) return undefined;
      const share = memory.weightsGiBPerGpu + memory.kvGiBPerGpu;
      return `weights take ${gib(memory.weightsGiBPerGpu)} per GPU, the static share of ${fleet.gpuKind} is ${gib(share)} (fraction ${memory.memFractionStatic}); use more GPUs, larger ones or a 4-bit build`;
    },
  },
  {
    id: "context_over_pool",
    means: "One request of model.contextLength fits the KV pool of one attention-DP rank.",
    where: "srt/managers/scheduler.py: longer requests are refused one by one, or retracted for ever",
    violated: ({ spec, memory, layout }) => {
      const pool = Math.floor(memory.kvTokens / layout.dataParallel);
      if (memory.kvGiBPerGpu <= 0 || spec.model.contextLength <= pool) return undefined;
      const ranks = layout.dataParallel > 1 ? "of one attention-DP rank" : "of the group";
      return `one request of ${number(spec.model.contextLength)} tokens does not fit the pool ${ranks}: ${number(pool)}; use model.contextLength ${number(pool)} or less${spec.engine.kvCacheDtype === "bfloat16" ? ", engine.kvCacheDtype fp8_e4m3" : ""}${layout.dataParallel > 1 ? " or a layout with less attention DP" : ""}`;
    },
  },
  {
    id: "workspace_fits",
    means: "What 1 - mem-fraction-static leaves holds activations, graphs and communication buffers.",
    where: "srt/arg_groups/memory_hook.py:300: SGLang reserves for them only when it chooses the fraction itself",
    violated: ({ memory, spec }) =>
      memory.headroomGiBPerGpu >= 0
        ? undefined
        : `fraction ${memory.memFractionStatic} leaves ${gib(memory.workspaceGiBPerGpu + memory.headroomGiBPerGpu)} for ${gib(memory.workspaceGiBPerGpu)} of activations, graphs and buffers; use ${spec.engine.memFractionStatic === undefined ? "fewer engine.maxRunningRequests" : "a smaller engine.memFractionStatic, or leave it out"}`,
  },
];

function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
