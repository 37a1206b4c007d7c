/**
 * Flags that the plan writes itself, with the field of the spec that decides them; an empty string where nothing may
 * be chosen, and the reason is the value.
 */
export const OWNED_FLAGS: Readonly<Record<string, { field: string } | { fixed: string }>> = {
  "--model-path": { field: "model.weights" },
  "--served-model-name": { field: "model.servedName" },
  "--context-length": { field: "model.contextLength" },
  "--reasoning-parser": { field: "model.preset" },
  "--tool-call-parser": { field: "model.preset" },
  "--quantization": { field: "model.preset" },
  "--port": { field: "network.ports.http" },
  "--dist-init-addr": { field: "network.ports.dist" },
  "--nnodes": { field: "groups" },
  "--tp-size": { field: "engine.layout" },
  "--pp-size": { field: "engine.layout" },
  "--dp-size": { field: "engine.layout" },
  "--attn-dp-size": { field: "engine.layout" },
  "--ep-size": { field: "engine.layout" },
  "--moe-a2a-backend": { field: "engine.layout" },
  "--moe-runner-backend": { field: "engine.layout" },
  "--deepep-mode": { field: "engine.layout" },
  "--enable-dp-lm-head": { field: "engine.layout" },
  "--moe-dense-tp-size": { field: "engine.layout" },
  "--chunked-prefill-size": { field: "engine.layout" },
  "--ep-num-redundant-experts": { field: "engine.redundantExperts" },
  "--enable-eplb": { field: "engine.redundantExperts" },
  "--kv-cache-dtype": { field: "engine.kvCacheDtype" },
  "--mem-fraction-static": { field: "engine.memFractionStatic" },
  "--max-total-tokens": { field: "engine.memFractionStatic" },
  "--max-running-requests": { field: "engine.maxRunningRequests" },
  "--cuda-graph-max-bs-decode": { field: "engine.maxRunningRequests" },
  "--speculative-algorithm": { field: "engine.speculative" },
  "--speculative-num-steps": { field: "engine.speculative" },
  "--speculative-eagle-topk": { field: "engine.speculative" },
  "--speculative-num-draft-tokens": { field: "engine.speculative" },
  "--node-rank": { fixed: "it is the pod's place in its group, filled in by LeaderWorkerSet" },
  "--host": { fixed: "probes and the gateway need 0.0.0.0 on leader and workers" },
  "--dist-timeout": { fixed: "it must outlast the slowest server's start" },
  "--watchdog-timeout": { fixed: "the failover budget is worked out with it" },
  "--random-seed": { fixed: "it must be the same on every rank" },
  "--trust-remote-code": { fixed: "DeepSeek checkpoints need it, so it is always set" },
  "--enable-metrics": { fixed: "health and drills read the metrics, so it is always set" },
  "--enable-cache-report": { fixed: "the gateway merges usage with it, so it is always set" },
};

/** Flags that would break what Tandem promises, with the reason. */
export const REFUSED_FLAGS: Readonly<Record<string, string>> = {
  "--api-key":
    "a key on a command line is readable in /proc and in the pod; the gateway checks keys, and only servers of the stack reach the engine",
  "--admin-api-key":
    "a key on a command line is readable in /proc and in the pod; only servers of the stack reach the engine",
  "--ssl-keyfile-password": "a password on a command line is readable in /proc and in the pod",
  "--config": "a file could set any flag behind the plan's back; write the flags into engine.extraArgs",
  "--crash-dump-folder": "dumping requests blocks a dying leader for 65 s and more, and a failover cannot wait",
  "--skip-server-warmup": "the first user would pay for the warm-up, and readiness would come too early",
  "--cuda-graph-config":
    "it sets again what the plan works out with the memory: the largest batch of the decode graphs",
  "--nccl-port": "it is unused with --dist-init-addr",
  "--base-gpu-id": "every server gives all its GPUs to the engine",
  "--gpu-id-step": "every server gives all its GPUs to the engine",
  "--use-ray": "ranks are started by LeaderWorkerSet",
  "--disaggregation-mode": "prefill and decode run in one engine here; a split needs its own failover",
  "--encoder-only": "the whole model is served",
  "--elastic-ep-backend":
    "surviving a server inside one engine needs 256 redundant experts (76 GiB per GPU); the standby group does it here",
  "--grpc-port": "the gateway speaks HTTP to the engine",
  "--smg-grpc-mode": "the gateway speaks HTTP to the engine",
  "--is-embedding": "the model is served for chat",
  "--tokenizer-worker-num": "with more than one tokenizer an abort does not find its request",
};
