/** What the flags do that the plan writes, for a person who reads a command line: SGLang 0.5.23, srt/arg_groups/fields. */
export const FLAG_MEANINGS: Readonly<Record<string, string>> = {
  "--model-path": "The directory of the checkpoint inside the container; the same path on every server.",
  "--served-model-name": "The name that clients use in the OpenAI API.",
  "--trust-remote-code": "Lets transformers run the configuration code of the checkpoint.",
  "--host":
    "The address to listen on. Workers need it too: their health server would listen on loopback, where no probe reaches it.",
  "--port": "The HTTP port of every rank's server, on the host's network.",
  "--nnodes": "The number of servers of the group.",
  "--node-rank": "Which server of the group this is; 0 is the leader. LeaderWorkerSet gives it to each pod.",
  "--dist-init-addr":
    "Where all ranks meet. The leader binds P and, with attention DP, P+1 to P+6 and P+13, so it must be a name of the leader itself, never of a Service.",
  "--dist-timeout": "Seconds until all ranks must have met, and the time-out of NCCL; a slow disk must fit into it.",
  "--watchdog-timeout": "Seconds without progress of a running batch until SGLang ends itself; seen 300 to 450 s in.",
  "--random-seed": "The seed of sampling; drawn anew by each process if not given.",
  "--tp-size": "Tensor parallel size: over how many GPUs each layer is split.",
  "--pp-size": "Pipeline parallel size: into how many stages the layers are cut.",
  "--attn-dp-size":
    "Attention data-parallel size: into how many ranks with requests and KV caches of their own the tensor ranks fall apart. It replaced --enable-dp-attention with --dp-size.",
  "--ep-size": "Expert parallel size: over how many ranks whole experts are spread.",
  "--moe-a2a-backend":
    "How tokens travel to their experts: DeepEP needs RDMA between servers, none gathers all to all.",
  "--deepep-mode": "auto takes DeepEP's normal kernels for prefill and its low-latency kernels for decode.",
  "--enable-dp-lm-head": "Computes the head on each attention rank alone; saves an exchange of all logits.",
  "--moe-dense-tp-size": "1 keeps the dense layers whole on each rank, which attention DP over all ranks needs.",
  "--moe-runner-backend": "The kernels of the experts; deep_gemm is the one for FP8 blocks with DeepEP.",
  "--ep-num-redundant-experts": "Further copies of experts; 256 and they must divide over the expert ranks.",
  "--enable-eplb": "Moves copies to the experts that are asked most.",
  "--context-length": "The longest request, prompt and answer together; it must fit the KV pool of one attention rank.",
  "--kv-cache-dtype": "The type of the KV cache. fp8_e5m2 would move attention to slower kernels on Hopper.",
  "--mem-fraction-static":
    "The share of GPU memory for weights and KV cache. SGLang's own guess is -0.37 to 0.68 for attention DP on 80 GB, and it starts with it.",
  "--max-running-requests": "Requests of the group in one batch; with speculation SGLang would take 48.",
  "--cuda-graph-max-bs-decode": "The largest batch of one rank that a decode graph is captured for.",
  "--chunked-prefill-size":
    "How much of a prompt one step takes. SGLang divides it by the attention-DP size, so it is multiplied first.",
  "--speculative-algorithm": "EAGLE drafts tokens with the checkpoint's NextN layer.",
  "--speculative-num-steps": "Steps of drafting.",
  "--speculative-eagle-topk": "Branches of each draft.",
  "--speculative-num-draft-tokens": "Tokens that one step checks; steps + 1 where there is one branch.",
  "--quantization":
    "How weights are stored. Not given for checkpoints that say it themselves: every DeepSeek FP8 one does.",
  "--reasoning-parser": "Splits reasoning from the answer in the API; each family writes it differently.",
  "--tool-call-parser": "Finds tool calls in the text.",
  "--enable-cache-report": "Says in `usage` how many prompt tokens came from the cache.",
  "--enable-metrics": "Serves /metrics for Prometheus.",
};
