import type { Sequence } from "./sequence.ts";
import type { EngineSettings } from "./settings.ts";

/** Counts of one value in buckets, as Prometheus histograms do. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number, times = 1): void {
    this.sum += value * times;
    this.count += times;
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.counts[at] = (this.counts[at] ?? 0) + times;
  }
}

/** Tokens of one attention-DP rank by the work that they were, as `sglang:realtime_tokens_total` has them. */
export interface RealtimeTokens {
  prefill_compute: number;
  prefill_cache: number;
  decode: number;
}

/** `--decode-log-interval`: steps after which the live counter is brought up to date. */
const DECODE_LOG_INTERVAL = 40;

/** What the engine has done since it started; times in seconds where they leave it. */
export class Statistics {
  requests = 0;
  aborted = 0;
  retracted = 0;
  promptTokens = 0;
  generationTokens = 0;
  cachedTokens = 0;
  /** Tokens written in a second, of the last decode step. */
  genThroughput = 0;
  cacheHitRate = 0;
  readonly timeToFirstToken = new Histogram([
    0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400,
  ]);
  readonly interTokenLatency = new Histogram([
    0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2,
    4, 6, 8,
  ]);
  readonly e2eLatency = new Histogram([
    0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400, 600, 1200, 1800, 2400,
  ]);
  readonly queueTime = new Histogram([
    0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 25, 30, 40, 60, 100, 200, 500, 1000,
  ]);
  /** By attention-DP rank; what was decoded shows at the end of each log interval, prefills at once. */
  readonly realtime: readonly RealtimeTokens[];
  readonly settings: EngineSettings;
  #decodeSteps = 0;
  readonly #decodedSince: number[];

  constructor(settings: EngineSettings) {
    this.settings = settings;
    this.realtime = Array.from({ length: settings.attnDpSize }, () => ({
      prefill_compute: 0,
      prefill_cache: 0,
      decode: 0,
    }));
    this.#decodedSince = this.realtime.map(() => 0);
  }

  admitted(sequence: Sequence): void {
    const prompt = sequence.request.promptIds.length;
    const tokens = this.realtime[sequence.dpRank];
    if (tokens !== undefined) tokens.prefill_cache += sequence.prefilled;
    this.cacheHitRate = prompt === 0 ? 0 : sequence.cachedTokens / prompt;
    this.queueTime.observe((sequence.startedAt - sequence.queuedAt) / 1000);
  }

  prefilled(sequence: Sequence, computed: number): void {
    const tokens = this.realtime[sequence.dpRank];
    if (tokens !== undefined) tokens.prefill_compute += computed;
  }

  wrote(sequence: Sequence, tokens: number): void {
    const now = performance.now();
    this.#decodedSince[sequence.dpRank] = (this.#decodedSince[sequence.dpRank] ?? 0) + tokens;
    if (sequence.lastTokenAt === 0) this.timeToFirstToken.observe((now - sequence.queuedAt) / 1000);
    else if (tokens > 0) this.interTokenLatency.observe((now - sequence.lastTokenAt) / 1000 / tokens, tokens);
    sequence.lastTokenAt = now;
  }

  decoded(batch: number, steps: number, ms: number): void {
    this.genThroughput = ms > 0 ? (batch * steps * 1000) / ms : 0;
    this.#decodeSteps += steps;
    if (this.#decodeSteps < DECODE_LOG_INTERVAL) return;
    this.#decodeSteps %= DECODE_LOG_INTERVAL;
    this.realtime.forEach((tokens, rank) => {
      tokens.decode += this.#decodedSince[rank] ?? 0;
      this.#decodedSince[rank] = 0;
    });
  }

  /** SGLang counts a request's tokens when it ends (tokenizer_manager.py, observe_one_finished_request). */
  finished(sequence: Sequence): void {
    this.promptTokens += sequence.request.promptIds.length;
    this.cachedTokens += sequence.cachedTokens;
    this.generationTokens += sequence.outputIds.length;
    this.e2eLatency.observe((performance.now() - sequence.queuedAt) / 1000);
  }
}
