import { loadOf } from "./loads.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EngineSettings } from "./settings.ts";
import type { Histogram } from "./statistics.ts";

type Load = ReturnType<typeof loadOf>;

/** `/metrics` under SGLang's names (observability/metrics_collector.py:365-490). Workers of plain TP have no series. */
export function metricsText(settings: EngineSettings, scheduler: Scheduler): string {
  const base = labelText({
    model_name: settings.servedName,
    engine_type: "unified",
    tp_rank: "0",
    pp_rank: "0",
    moe_ep_rank: "0",
  });
  const label = (more: Record<string, string>) => `{${[...base, ...labelText(more)].join(",")}}`;
  const lines: string[] = [];
  const dpLabels = (rank: number): Record<string, string> => (settings.attnDpSize > 1 ? { dp_rank: String(rank) } : {});
  const first = settings.nodeRank * (settings.attnDpSize / settings.nnodes);
  // With attention DP every server shows the ranks that live on it; else rank 0 alone has any (facts 9).
  const ranks = Array.from({ length: settings.attnDpSize }, (_, rank) => rank).filter((rank) =>
    settings.attnDpSize === 1
      ? settings.nodeRank === 0
      : rank >= first && rank < first + settings.attnDpSize / settings.nnodes,
  );
  // Agents ask twice a second: each rank's load and labels are worked out once.
  const each = ranks.map((rank) => ({ labels: label(dpLabels(rank)), load: loadOf(settings, scheduler, rank) }));
  const gauge = (name: string, read: (load: Load) => number) => {
    lines.push(`# HELP sglang:${name} ${name.replaceAll("_", " ")}`, `# TYPE sglang:${name} gauge`);
    for (const { labels, load } of each) lines.push(`sglang:${name}${labels} ${read(load)}`);
  };
  gauge("num_running_reqs", (load) => load.num_running_reqs);
  gauge("num_queue_reqs", (load) => load.num_waiting_reqs);
  gauge("num_grammar_queue_reqs", () => 0);
  gauge("gen_throughput", (load) => load.gen_throughput);
  gauge("cache_hit_rate", (load) => load.cache_hit_rate);
  gauge("token_usage", (load) => load.token_usage);
  gauge("num_used_tokens", (load) => load.num_used_tokens);
  gauge("kv_available_tokens", (load) => load.max_total_num_tokens - load.num_total_tokens);
  gauge("kv_evictable_tokens", (load) => load.num_total_tokens - load.num_used_tokens);
  gauge("num_retracted_reqs", () => 0);
  gauge("num_paused_reqs", (load) => (scheduler.paused ? load.num_running_reqs : 0));
  gauge("utilization", (load) => load.utilization);
  gauge("max_total_num_tokens", (load) => load.max_total_num_tokens);
  const { stats } = scheduler;
  if (ranks.length > 0)
    lines.push(
      "# HELP sglang:realtime_tokens_total Total number of tokens processed (updated on each log interval).",
      "# TYPE sglang:realtime_tokens_total counter",
    );
  // A series appears with its first token.
  for (const rank of ranks)
    for (const [mode, tokens] of Object.entries(stats.realtime[rank] ?? {}))
      if (tokens > 0) lines.push(`sglang:realtime_tokens_total${label({ ...dpLabels(rank), mode })} ${tokens}`);
  if (settings.nodeRank === 0) {
    const counter = (name: string, value: number) =>
      lines.push(
        `# HELP sglang:${name} ${name.replaceAll("_", " ")}`,
        `# TYPE sglang:${name} counter`,
        `sglang:${name}${label({})} ${value}`,
      );
    counter("prompt_tokens_total", stats.promptTokens);
    counter("generation_tokens_total", stats.generationTokens);
    counter("cached_tokens_total", stats.cachedTokens);
    counter("num_requests_total", stats.requests);
    counter("num_aborted_requests_total", stats.aborted);
    counter("num_retracted_requests_total", stats.retracted);
    const histogram = (name: string, values: Histogram) => {
      lines.push(`# HELP sglang:${name} ${name.replaceAll("_", " ")}`, `# TYPE sglang:${name} histogram`);
      let below = 0;
      values.bounds.forEach((bound, at) => {
        below += values.counts[at] ?? 0;
        lines.push(`sglang:${name}_bucket${label({ le: String(bound) })} ${below}`);
      });
      lines.push(`sglang:${name}_bucket${label({ le: "+Inf" })} ${values.count}`);
      lines.push(`sglang:${name}_sum${label({})} ${values.sum}`, `sglang:${name}_count${label({})} ${values.count}`);
    };
    histogram("time_to_first_token_seconds", stats.timeToFirstToken);
    histogram("inter_token_latency_seconds", stats.interTokenLatency);
    histogram("e2e_request_latency_seconds", stats.e2eLatency);
    histogram("queue_time_seconds", stats.queueTime);
  }
  return `${lines.join("\n")}\n`;
}

function labelText(labels: Record<string, string>): string[] {
  return Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`,
  );
}
