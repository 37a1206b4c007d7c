import type { ClusterSpec } from "../spec/schema.ts";
import type { Gpu, Model } from "./catalogue.ts";
import type { Layout, MemoryPlan } from "./serving-plan.ts";
import type { Workload } from "./workload.ts";

/** All ranks join within this time; it is also torch's NCCL time-out, and a hang is found by us long before. */
const DIST_TIMEOUT_SECONDS = 1800;
/** SGLang's default; it fires 300 to 450 s in. Ours is the agent: this is the last resort. */
const WATCHDOG_SECONDS = 300;
/** Any fixed number: ranks that draw their own disagree about sampled tokens. */
const RANDOM_SEED = 42;

export interface LaunchInput {
  spec: ClusterSpec;
  model: Model;
  gpu: Gpu;
  layout: Layout;
  memory: MemoryPlan;
  workload: Workload;
  servers: number;
  servedName: string;
}

/**
 * The command line of every rank, from `python3` on: byte-identical, Kubernetes expands `$(LWS_WORKER_INDEX)` and
 * `$(LWS_LEADER_ADDRESS)`. Only full names of flags that SGLang 0.5.23 does not deprecate.
 */
export function launchArgs({ spec, model, gpu, layout, memory, workload, servers, servedName }: LaunchInput): string[] {
  const { engine, network } = spec;
  const deepep = workload.a2aBackend === "deepep";
  const flags: (readonly [string, ...(string | number)[]])[] = [
    ["--model-path", spec.model.weights],
    ["--served-model-name", servedName],
    ["--trust-remote-code"],
    // Workers too: their health server listens on this address, and the default is loopback.
    ["--host", "0.0.0.0"],
    ["--port", network.ports.http],
    ["--nnodes", servers],
    ["--node-rank", "$(LWS_WORKER_INDEX)"],
    ["--dist-init-addr", `$(LWS_LEADER_ADDRESS):${network.ports.dist}`],
    ["--dist-timeout", DIST_TIMEOUT_SECONDS],
    ["--watchdog-timeout", WATCHDOG_SECONDS],
    ["--random-seed", RANDOM_SEED],
    ["--tp-size", layout.tensorParallel],
    ["--pp-size", layout.pipelineParallel],
  ];
  if (layout.dataParallel > 1) flags.push(["--attn-dp-size", layout.dataParallel]);
  flags.push(["--ep-size", layout.expertParallel]);
  if (deepep) {
    flags.push(["--moe-a2a-backend", "deepep"], ["--deepep-mode", "auto"], ["--enable-dp-lm-head"]);
    flags.push(["--moe-dense-tp-size", 1]);
    if (model.quantization === "fp8") flags.push(["--moe-runner-backend", "deep_gemm"]);
  }
  if (layout.redundantExperts > 0)
    flags.push(["--ep-num-redundant-experts", layout.redundantExperts], ["--enable-eplb"]);
  flags.push(
    ["--context-length", spec.model.contextLength],
    ["--kv-cache-dtype", kvCacheType(engine.kvCacheDtype, gpu)],
    ["--mem-fraction-static", memory.memFractionStatic],
    ["--max-running-requests", workload.maxRunningRequests],
    ["--cuda-graph-max-bs-decode", workload.decodeBatchPerRank],
    ["--chunked-prefill-size", workload.chunkedPrefillTokens],
  );
  if (engine.speculative)
    flags.push(
      ["--speculative-algorithm", "EAGLE"],
      ["--speculative-num-steps", workload.draftTokens - 1],
      ["--speculative-eagle-topk", 1],
      ["--speculative-num-draft-tokens", workload.draftTokens],
    );
  if (model.quantization === "awq") flags.push(["--quantization", "moe_wna16"]);
  if (model.reasoningParser !== null) flags.push(["--reasoning-parser", model.reasoningParser]);
  if (model.toolCallParser !== null) flags.push(["--tool-call-parser", model.toolCallParser]);
  // Cached tokens in `usage` and SGLang's own metrics are what the gateway and the drills read.
  flags.push(["--enable-cache-report"], ["--enable-metrics"]);
  return ["python3", "-m", "sglang.launch_server", ...flags.flat().map(String), ...engine.extraArgs];
}

/** The backend that SGLang takes on Blackwell knows the type under its short name alone (srt/arg_groups/overrides.py:1215). */
function kvCacheType(type: ClusterSpec["engine"]["kvCacheDtype"], gpu: Gpu): string {
  return type === "bfloat16" && gpu.architecture === "blackwell" ? "bf16" : type;
}
