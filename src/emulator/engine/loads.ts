import type { Exchange } from "./routes.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EngineSettings } from "./settings.ts";

/** The load of one attention-DP rank under SGLang's field names (entrypoints/v1_loads.py). */
export function loadOf(settings: EngineSettings, scheduler: Scheduler, dpRank: number) {
  const { running, waiting, cachedTokens } = scheduler.load;
  const mine = running.filter((sequence) => sequence.dpRank === dpRank);
  const queued = waiting.filter((sequence) => sequence.dpRank === dpRank);
  const used = mine.reduce((sum, sequence) => sum + sequence.tokens, 0);
  const capacity = Math.floor(settings.maxTotalTokens / settings.attnDpSize);
  const running_limit = Math.floor(settings.maxRunningRequests / settings.attnDpSize);
  return {
    dp_rank: dpRank,
    timestamp: Date.now() / 1000,
    num_running_reqs: mine.length,
    num_waiting_reqs: queued.length,
    num_waiting_uncached_tokens: queued.reduce((sum, sequence) => sum + sequence.tokens, 0),
    num_used_tokens: used,
    num_total_tokens: used + Math.floor(cachedTokens / settings.attnDpSize),
    max_total_num_tokens: capacity,
    max_running_requests: running_limit,
    token_usage: used / capacity,
    gen_throughput: running.length === 0 ? 0 : (scheduler.stats.genThroughput * mine.length) / running.length,
    cache_hit_rate: scheduler.stats.cacheHitRate,
    utilization: mine.length / Math.max(1, running_limit),
  };
}

/** `GET /v1/loads`: a shared snapshot, never blocked by the ranks; all sections are the core one here. */
export function loads({ settings, scheduler, url, json, text }: Exchange): void {
  const all = Array.from({ length: settings.attnDpSize }, (_, rank) => loadOf(settings, scheduler, rank));
  const wanted = url.searchParams.get("dp_rank");
  const chosen = wanted === null ? all : all.filter((load) => load.dp_rank === Number(wanted));
  if (url.searchParams.get("format") === "prometheus") {
    const names = Object.keys(chosen[0] ?? {}).filter((name) => name !== "dp_rank") as (keyof (typeof chosen)[0])[];
    const lines = names.flatMap((name) => [
      `# TYPE sglang_${name} gauge`,
      ...chosen.map((load) => `sglang_${name}{dp_rank="${load.dp_rank}"} ${load[name]}`),
    ]);
    text(200, `${lines.join("\n")}\n`, "text/plain; version=0.0.4; charset=utf-8");
    return;
  }
  json(200, {
    timestamp: new Date().toISOString(),
    version: "0.5.23",
    accelerator: "NVIDIA H100 80GB HBM3",
    num_accelerators: (settings.tpSize * settings.ppSize) / settings.attnDpSize,
    loads: chosen,
  });
}
