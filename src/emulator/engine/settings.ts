/** What the emulated engine needs of SGLang's arguments and environment; times in milliseconds, rates per second. */
export interface EngineSettings {
  args: Record<string, unknown>;
  argv: readonly string[];
  nnodes: number;
  nodeRank: number;
  tpSize: number;
  ppSize: number;
  attnDpSize: number;
  epSize: number;
  host: string;
  port: number;
  dist: { host: string; port: number } | null;
  distTimeoutMs: number;
  watchdogMs: number;
  servedName: string;
  modelPath: string;
  contextLength: number;
  maxTotalTokens: number;
  maxRunningRequests: number;
  maxQueuedRequests: number | null;
  chunkTokens: number;
  reasoningParser: string | null;
  templateOpensThink: boolean;
  apiKey: string | null;
  adminApiKey: string | null;
  enableMetrics: boolean;
  cacheReport: boolean;
  radixCache: boolean;
  priority: { enabled: boolean; preempt: boolean; lowFirst: boolean; threshold: number; defaultValue: number | null };
  crashDumpFolder: string | null;
  env: EngineEnvironment;
}

/** Variables: `EMULATOR_*` are ours, the others are SGLang's own with its defaults (srt/environ.py). */
export interface EngineEnvironment {
  loadMs: number;
  barrierMs: number;
  prefillTokensPerSecond: number;
  decodeStepMs: number;
  decodeTokensPerSecond: number;
  /** Free memory of a GPU before the weights come. */
  gpuFreeGiB: number;
  answerTokens: number;
  reasoningTokens: number;
  controlSocket: string;
  healthTimeoutMs: number;
  healthGenerates: boolean;
  keepAliveMs: number;
  killProcessGroup: boolean;
  pyspyDump: boolean;
  coreDumpWaitMs: number | null;
  forceShutdown: boolean;
  requestPollMs: number;
  waitingTimeoutMs: number | null;
  runningTimeoutMs: number | null;
}

const KIB_64 = 65_536;
/** Weights of DeepSeek-V3/R1 as the table of facts 10.1 adds them up: FP8, and with 4-bit experts (AWQ, W4AFP8). */
const FP8_WEIGHTS_GIB = 640;
const INT4_WEIGHTS_GIB = 350;
const GIB = 2 ** 30;
/** MLA latent of DeepSeek-V3: 576 numbers in each of 61 layers, two bytes each (facts 10.1). */
const KV_BYTES_BF16 = 70_272;

function numberOf(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const raw = env[name];
  if (raw === undefined || raw.trim() === "") return fallback;
  const value = Number(raw);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name}=${raw}: want a number of at least 0`);
  return value;
}

/** SGLang's EnvBool: true/1/yes/y and false/0/no/n in any case. */
function flagOf(env: NodeJS.ProcessEnv, name: string, fallback: boolean): boolean {
  const raw = env[name]?.trim().toLowerCase();
  return raw === undefined || raw === "" ? fallback : ["true", "1", "yes", "y", "t"].includes(raw);
}

function readEnvironment(env: NodeJS.ProcessEnv): EngineEnvironment {
  const positive = (name: string) => {
    const seconds = Number(env[name] ?? -1);
    return seconds > 0 ? seconds * 1000 : null;
  };
  return {
    loadMs: numberOf(env, "EMULATOR_LOAD_SECONDS", 2) * 1000,
    // model_executor/model_runner_components/load_model_utils.py:56: fixed, whatever --dist-timeout says.
    barrierMs: numberOf(env, "EMULATOR_BARRIER_SECONDS", 480) * 1000,
    prefillTokensPerSecond: numberOf(env, "EMULATOR_PREFILL_TOKENS_PER_SECOND", 33_000),
    decodeStepMs: numberOf(env, "EMULATOR_DECODE_STEP_MS", 23.5),
    decodeTokensPerSecond: numberOf(env, "EMULATOR_DECODE_TOKENS_PER_SECOND", 8_600),
    gpuFreeGiB: numberOf(env, "EMULATOR_GPU_FREE_GIB", 78),
    answerTokens: numberOf(env, "EMULATOR_ANSWER_TOKENS", 256),
    reasoningTokens: numberOf(env, "EMULATOR_REASONING_TOKENS", 32),
    controlSocket: env.EMULATOR_CONTROL_SOCKET ?? "/run/tandem/engine.sock",
    healthTimeoutMs: numberOf(env, "SGLANG_HEALTH_CHECK_TIMEOUT", 20) * 1000,
    healthGenerates: flagOf(env, "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION", true),
    keepAliveMs: numberOf(env, "SGLANG_TIMEOUT_KEEP_ALIVE", 5) * 1000,
    killProcessGroup: flagOf(env, "SGLANG_KILLPG_ON_SCHEDULER_EXCEPTION", false),
    pyspyDump: flagOf(env, "SGLANG_PYSPY_DUMP_BEFORE_CRASH", true),
    coreDumpWaitMs: flagOf(env, "SGLANG_CUDA_COREDUMP_BEFORE_CRASH", true)
      ? numberOf(env, "SGLANG_CUDA_COREDUMP_BEFORE_CRASH_WAIT_SECS", 60) * 1000
      : null,
    forceShutdown: flagOf(env, "SGL_FORCE_SHUTDOWN", false),
    requestPollMs: numberOf(env, "SGLANG_REQUEST_STATE_WAIT_TIMEOUT", 4) * 1000,
    waitingTimeoutMs: positive("SGLANG_REQ_WAITING_TIMEOUT"),
    runningTimeoutMs: positive("SGLANG_REQ_RUNNING_TIMEOUT"),
  };
}

/** Tokens of KV: `free × fraction − weights` a GPU (facts 10.1: 402k for TP16 at 0.85 in bf16 on H100), times attention DP. */
function kvTokens(args: Record<string, unknown>, freeGiB: number, gpus: number, attnDp: number): number {
  const fraction = typeof args.mem_fraction_static === "number" ? args.mem_fraction_static : 0.787;
  // Weights of 640 GiB spread over the ranks; attention DP keeps attention whole on each, which costs up to 17 GiB.
  const int4 = /awq|w4a|moe_wna16/i.test(`${args.quantization} ${args.model_path}`);
  const weights =
    (int4 ? INT4_WEIGHTS_GIB : FP8_WEIGHTS_GIB) / gpus + (attnDp > 1 ? (17.4 * (attnDp - 1)) / attnDp : 0);
  const bytes = String(args.kv_cache_dtype).startsWith("fp8") ? KV_BYTES_BF16 / 2 : KV_BYTES_BF16;
  return Math.floor(((freeGiB * fraction - weights) * GIB) / bytes) * attnDp;
}

function distAddress(raw: unknown): { host: string; port: number } | null {
  if (typeof raw !== "string") return null;
  const at = raw.lastIndexOf(":");
  const port = Number(raw.slice(at + 1));
  if (at < 1 || !Number.isInteger(port)) throw new Error(`--dist-init-addr ${raw}: want HOST:PORT`);
  return { host: raw.slice(0, at).replace(/^\[|\]$/g, ""), port };
}

/** Reads settings from parsed flags (`parseFlags().values`) and an environment; throws with a sentence on nonsense. */
export function readSettings(
  args: Record<string, unknown>,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): EngineSettings {
  const int = (field: string, fallback: number) =>
    typeof args[field] === "number" ? (args[field] as number) : fallback;
  const text = (field: string) => (typeof args[field] === "string" ? (args[field] as string) : null);
  const nnodes = int("nnodes", 1);
  const tpSize = int("tp_size", 1);
  const ppSize = int("pp_size", 1);
  // parallel_hook.py:39: the old `--dp-size N --enable-dp-attention` means attention DP of N.
  const attnDpSize = args.enable_dp_attention === true ? int("dp_size", 1) : int("attn_dp_size", 1);
  if ((tpSize * ppSize) % nnodes !== 0) throw new Error("tp_size must be divisible by number of nodes");
  if (attnDpSize > 1 && tpSize % attnDpSize !== 0) throw new Error("AssertionError");
  const settings = readEnvironment(env);
  const maxTotal = int(
    "max_total_tokens",
    numberOf(env, "EMULATOR_MAX_TOTAL_TOKENS", kvTokens(args, settings.gpuFreeGiB, tpSize * ppSize, attnDpSize)),
  );
  if (maxTotal <= 0)
    throw new Error(
      `Not enough memory. Please try to increase --mem-fraction-static. Current value: mem_fraction_static=${args.mem_fraction_static}`,
    );
  const modelPath = text("model_path") ?? "";
  const contextLength = int("context_length", 163_840);
  const chunk = int("chunked_prefill_size", 8192);
  return {
    args,
    argv,
    nnodes,
    nodeRank: int("node_rank", 0),
    tpSize,
    ppSize,
    attnDpSize,
    epSize: int("ep_size", 1),
    host: text("host") ?? "127.0.0.1",
    port: int("port", 30_000),
    dist: distAddress(args.dist_init_addr),
    distTimeoutMs: int("dist_timeout", 600) * 1000,
    watchdogMs: int("watchdog_timeout", 300) * 1000,
    servedName: text("served_model_name") ?? modelPath,
    modelPath,
    contextLength,
    maxTotalTokens: maxTotal,
    maxRunningRequests: int(
      "max_running_requests",
      Math.min(Math.max(Math.floor((maxTotal / contextLength) * 512), 2048), 4096),
    ),
    maxQueuedRequests: args.max_queued_requests === null ? null : int("max_queued_requests", 0),
    chunkTokens: chunk > 0 ? chunk : KIB_64,
    reasoningParser: text("reasoning_parser"),
    // From memory, to be checked per model: R1 and V3.1 templates open the tag, R1-0528 writes it itself (facts 5).
    templateOpensThink: flagOf(
      env,
      "EMULATOR_TEMPLATE_OPENS_THINK",
      !/0528/.test(modelPath + (text("served_model_name") ?? "")),
    ),
    apiKey: text("api_key"),
    adminApiKey: text("admin_api_key"),
    enableMetrics: args.enable_metrics === true,
    cacheReport: args.enable_cache_report === true,
    radixCache: args.disable_radix_cache !== true,
    priority: {
      enabled: args.enable_priority_scheduling === true,
      preempt: args.disable_priority_preemption !== true,
      lowFirst: args.schedule_low_priority_values_first === true,
      threshold: int("priority_scheduling_preemption_threshold", 10),
      defaultValue: typeof args.default_priority_value === "number" ? args.default_priority_value : null,
    },
    crashDumpFolder: text("crash_dump_folder"),
    env: settings,
  };
}
