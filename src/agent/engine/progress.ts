/** Counts of an engine at one moment. */
export interface EngineLoad {
  running: number;
  queued: number;
}

/** `GET /v1/loads`: one entry a DP rank. Null for an answer that is none. */
export function parseLoads(body: string): EngineLoad | null {
  try {
    const { loads } = JSON.parse(body) as { loads: { num_running_reqs: number; num_waiting_reqs: number }[] };
    const sum = (pick: (load: (typeof loads)[number]) => number) =>
      loads.reduce((total, load) => total + pick(load), 0);
    const load = { running: sum((one) => one.num_running_reqs), queued: sum((one) => one.num_waiting_reqs) };
    return Number.isFinite(load.running) && Number.isFinite(load.queued) ? load : null;
  } catch {
    return null;
  }
}

/** Tokens of an engine since it started. */
export interface EngineTokens {
  total: number;
  /**
   * Of those the ones that were written. A prompt of 30,000 tokens is read within a second and would count as the fastest second
   * of all, after which every other one is slow. Null where the engine does not tell them apart.
   */
  decoded: number | null;
}

/**
 * Tokens that the engine has worked through, from `/metrics`; null where it has no counter. SGLang counts
 * `generation_tokens_total` when a request *ends* (tokenizer_manager, observe_one_finished_request), so an answer of a minute
 * would look like a hang; the scheduler's `realtime_tokens_total` grows every 40 steps, and a long prefill counts in it as well.
 */
export function parseTokens(metrics: string): EngineTokens | null {
  const live = countsOf(metrics, "sglang:realtime_tokens_total");
  const sum = (counts: typeof live) => counts.reduce((total, { count }) => total + count, 0);
  if (live.length > 0) {
    const worked = live.filter(({ labels }) => !labels.includes('mode="prefill_cache"'));
    return { total: sum(worked), decoded: sum(worked.filter(({ labels }) => labels.includes('mode="decode"'))) };
  }
  const ended = countsOf(metrics, "sglang:generation_tokens_total");
  return ended.length === 0 ? null : { total: sum(ended), decoded: null };
}

function countsOf(metrics: string, name: string): { labels: string; count: number }[] {
  const counts: { labels: string; count: number }[] = [];
  // Found by search, not by parsing: a busy engine prints some hundred kilobytes, twice a second.
  for (let at = metrics.indexOf(`\n${name}`); at >= 0; at = metrics.indexOf(`\n${name}`, at + 1)) {
    const end = metrics.indexOf("\n", at + 1);
    const line = metrics.slice(at + 1 + name.length, end < 0 ? undefined : end);
    const [, labels = "", value = ""] = /^(\{.*\})? ([0-9.eE+]+)(?: \d+)?$/.exec(line) ?? [];
    if (value !== "") counts.push({ labels, count: Number(value) });
  }
  return counts;
}
