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

/**
 * Tokens that the engine has worked through, from `/metrics`. SGLang counts `generation_tokens_total` when a request
 * *ends* (tokenizer_manager, observe_one_finished_request), so an answer of a minute would look like a hang; the
 * scheduler's `realtime_tokens_total` grows every 40 steps, and a long prefill counts in it as well.
 */
export function parseTokens(metrics: string): number | null {
  const live = sumOf(metrics, "sglang:realtime_tokens_total", (labels) => !labels.includes('mode="prefill_cache"'));
  return live ?? sumOf(metrics, "sglang:generation_tokens_total", () => true);
}

/**
 * Of those the tokens that were written. A prompt of 30,000 tokens is read within a second and would count as the fastest second
 * of all, after which every other one is slow. Null where the engine does not tell them apart.
 */
export function parseDecoded(metrics: string): number | null {
  if (!metrics.includes("\nsglang:realtime_tokens_total{")) return null;
  // A series appears with its first token.
  return sumOf(metrics, "sglang:realtime_tokens_total", (labels) => labels.includes('mode="decode"')) ?? 0;
}

function sumOf(metrics: string, name: string, wanted: (labels: string) => boolean): number | null {
  let total: number | null = null;
  // Found by search, not by parsing: a busy engine prints some hundred kilobytes, twice a second.
  for (let at = metrics.indexOf(`\n${name}`); at >= 0; at = metrics.indexOf(`\n${name}`, at + 1)) {
    const end = metrics.indexOf("\n", at + 1);
    const line = metrics.slice(at + 1 + name.length, end < 0 ? undefined : end);
    const [, labels = "", value = ""] = /^(\{.*\})? ([0-9.eE+]+)(?: \d+)?$/.exec(line) ?? [];
    if (value !== "" && wanted(labels)) total = (total ?? 0) + Number(value);
  }
  return total;
}
