import type { Exchange } from "./routes.ts";

const VERSION = "0.5.23";

export function modelInfo({ settings, json }: Exchange): void {
  json(200, {
    model_path: settings.modelPath,
    served_model_name: settings.servedName,
    tokenizer_path: settings.args.tokenizer_path ?? settings.modelPath,
    is_generation: true,
    preferred_sampling_params: settings.args.preferred_sampling_params ?? null,
    weight_version: "default",
    load_format: settings.args.load_format,
    reasoning_parser: settings.reasoningParser,
    tool_call_parser: settings.args.tool_call_parser ?? null,
    disaggregation_mode: settings.args.disaggregation_mode ?? "null",
    has_image_understanding: false,
    has_audio_understanding: false,
    model_type: "deepseek_v3",
    architectures: ["DeepseekV3ForCausalLM"],
  });
}

export function modelList({ settings, state, json }: Exchange): void {
  const model = {
    id: settings.servedName,
    object: "model",
    created: Math.floor(state.startedAt),
    owned_by: "sglang",
    root: settings.servedName,
    parent: null,
    max_model_len: settings.contextLength,
  };
  json(200, { object: "list", data: [model] });
}

/** Asks the scheduler, so it hangs with it; shows both keys in clear, as SGLang does (utils/common.py:3584). */
export async function serverInfo({ settings, scheduler, state, json }: Exchange): Promise<void> {
  await scheduler.roundTrip();
  const load = scheduler.load;
  json(200, {
    ...settings.args,
    launch_command: ["python3", ...settings.argv].join(" "),
    startup_time: state.startedAt,
    max_total_num_tokens: settings.maxTotalTokens,
    max_req_input_len: settings.contextLength - 1,
    internal_states: Array.from({ length: settings.attnDpSize }, () => ({
      last_gen_throughput: scheduler.stats.genThroughput,
      memory_usage: { token_capacity: settings.maxTotalTokens },
      effective_max_running_requests_per_dp: Math.floor(settings.maxRunningRequests / settings.attnDpSize),
      num_running_reqs: load.running.length,
    })),
    version: VERSION,
    frontend: "python",
  });
}
