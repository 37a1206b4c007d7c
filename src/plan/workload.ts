import type { ClusterSpec } from "../spec/schema.ts";
import { architectureOf, type Gpu, hasExperts, modelOf } from "./catalogue.ts";
import type { Layout } from "./serving-plan.ts";

/** What one engine is told to take at once; all counts are of the whole group unless the name says per rank. */
export interface Workload {
  /** `deepep` needs RDMA between servers; `none` exchanges tokens by all-gather. */
  a2aBackend: "deepep" | "none";
  maxRunningRequests: number;
  /** Largest decode batch of one attention-DP rank: `--cuda-graph-max-bs-decode`. */
  decodeBatchPerRank: number;
  /** `--chunked-prefill-size`: SGLang divides it by the attention-DP size, so it is multiplied first. */
  chunkedPrefillTokens: number;
  chunkPerRankTokens: number;
  draftTokens: number;
  /** SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK: at least decode batch times draft tokens, at most 1024. */
  dispatchTokensPerRank: number;
}

/** `--speculative-num-draft-tokens` of the documented MTP recipe (EAGLE, 3 steps, top-k 1). */
export const DRAFT_TOKENS = 4;
/** srt/layers/moe/token_dispatcher/deepep.py:409 refuses more. */
export const MAX_DISPATCH_TOKENS = 1024;
/** Default of SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK (srt/environ.py:1439). */
const DEFAULT_DISPATCH_TOKENS = 128;
/** SGLang captures decode graphs up to 256 requests on GPUs of 80 GB; small models still gain there. */
const DENSE_RUNNING_REQUESTS = 256;

/** Attention wholly data-parallel and experts wholly expert-parallel is the shape that DeepEP is made for. */
export function wantsDeepEp(layout: Layout): boolean {
  const { tensorParallel, dataParallel, expertParallel } = layout;
  return expertParallel > 1 && expertParallel === tensorParallel && dataParallel === tensorParallel;
}

/**
 * Batch sizes for a layout. Without `engine.maxRunningRequests`: 128 for tensor parallelism (published runs stop
 * gaining there), 256 for dense models, and 64 for each attention-DP rank (the documented 2×8 recipe: 1,024 over 16).
 */
export function workloadOf(
  spec: ClusterSpec,
  layout: Layout,
  { servers, gpusPerServer, gpu }: { servers: number; gpusPerServer: number; gpu: Gpu },
): Workload {
  const dp = layout.dataParallel;
  // Between servers DeepEP needs RDMA and counts eight ranks to a server (NUM_MAX_NVL_PEERS).
  const reachable = servers === 1 || (spec.network.rdma.kind !== "none" && gpusPerServer === 8);
  // DeepEP's kernels are written for Hopper and later, and for NVLink between all GPUs of a server.
  const able = gpu.architecture !== "ampere" && gpu.nvlinkDomain >= gpusPerServer;
  // 4-bit kernels (moe_wna16) do not take DeepEP's dispatch format; W4AFP8 and FP8 do.
  const a2aBackend =
    wantsDeepEp(layout) && reachable && able && spec.model.preset !== "deepseek-r1-0528-awq" ? "deepep" : "none";
  const draftTokens = spec.engine.speculative ? DRAFT_TOKENS : 1;
  const mostWithTp = hasExperts(architectureOf(modelOf(spec.model.preset))) ? 128 : DENSE_RUNNING_REQUESTS;
  const perRankDefault = dp === 1 ? mostWithTp : Math.min(64, DEFAULT_DISPATCH_TOKENS / draftTokens);
  const maxRunningRequests = spec.engine.maxRunningRequests ?? perRankDefault * dp;
  const decodeBatchPerRank = Math.max(1, Math.ceil(maxRunningRequests / dp));
  const chunkPerRankTokens = a2aBackend === "deepep" ? 4096 : 8192;
  return {
    a2aBackend,
    maxRunningRequests,
    decodeBatchPerRank,
    chunkedPrefillTokens: chunkPerRankTokens * dp,
    chunkPerRankTokens,
    draftTokens,
    dispatchTokensPerRank: Math.max(
      DEFAULT_DISPATCH_TOKENS,
      2 ** Math.ceil(Math.log2(decodeBatchPerRank * draftTokens)),
    ),
  };
}
