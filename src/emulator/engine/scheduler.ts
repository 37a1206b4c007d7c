import { setTimeout as sleep } from "node:timers/promises";
import type { Faults } from "./faults.ts";
import { PrefixCache } from "./radix.ts";
import type { EngineRequest, Finish, Generated } from "./request.ts";
import { Sequence } from "./sequence.ts";
import type { EngineSettings } from "./settings.ts";
import { Statistics } from "./statistics.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/** Several decode steps that are due together are one pass through the ranks, so that fast settings stay cheap. */
const LEAST_TICK_MS = 10;
/** SGLang reserves a share of what running requests may still write (schedule_policy.py, init_new_token_ratio 0.7). */
const NEW_TOKEN_RATIO = 0.7;
/** … and never counts more than this for one request (CLIP_MAX_NEW_TOKENS). */
const CLIP_NEW_TOKENS = 4096;

export class SchedulerException extends Error {}

/**
 * Continuous batching over the emulated ranks: prefill before decode, chunk by chunk, rates shared by all requests.
 * `step` passes the ranks of all servers once; the loop waits for it as SGLang's waits for its collectives.
 */
export class Scheduler {
  readonly stats: Statistics;
  readonly settings: EngineSettings;
  readonly #step: () => Promise<void>;
  readonly #faults: Faults;
  readonly #onException: (error: Error) => void;
  readonly #cache: PrefixCache;
  readonly #queue: WaitingQueue;
  readonly #running: Sequence[] = [];
  readonly #probes: Sequence[] = [];
  readonly #aborts = new Set<string>();
  readonly #roundTrips: (() => void)[] = [];
  #paused: "in_place" | "retract" | "abort" | null = null;
  #wake: (() => void) | null = null;
  #nextRank = 0;
  #tokensWritten = 0;
  /** When anything last came out of the ranks; the health probe compares with it. */
  lastOutputAt = 0;
  /** When a batch went in that has not come out yet; the scheduler's own watchdog reads it. */
  busySince: number | null = null;

  constructor(
    settings: EngineSettings,
    step: () => Promise<void>,
    faults: Faults,
    onException: (error: Error) => void,
  ) {
    this.settings = settings;
    this.#step = step;
    this.#faults = faults;
    this.#onException = onException;
    this.#cache = new PrefixCache(settings.radixCache ? settings.maxTotalTokens : 0);
    this.#queue = new WaitingQueue(settings);
    this.stats = new Statistics(settings);
  }

  get inFlight(): number {
    return this.#running.length + this.#queue.length;
  }

  get paused(): boolean {
    return this.#paused !== null;
  }

  get load() {
    const used = this.#running.reduce((sum, sequence) => sum + sequence.tokens, 0);
    return { running: this.#running, waiting: this.#queue.all, usedTokens: used, cachedTokens: this.#cache.tokens };
  }

  submit(request: EngineRequest): void {
    const rank = request.dpRank ?? this.#nextRank++ % this.settings.attnDpSize;
    const sequence = new Sequence(request, rank, performance.now());
    if (request.probe) {
      // A busy scheduler drops the probe: the running batch proves life (facts 2).
      if (this.#running.length + this.#queue.length === 0) this.#probes.push(sequence);
    } else {
      this.stats.requests++;
      const refused = this.#queue.add(sequence);
      if (refused !== null)
        this.#finish(refused.sequence, { type: "abort", message: refused.message, statusCode: 503 });
    }
    this.#wake?.();
  }

  /** Marks requests for abort; it takes effect at the next step, so never in a hung engine. */
  abort(rids: readonly string[] | "all"): void {
    const all = [...this.#running, ...this.#queue.all].map((sequence) => sequence.request.rid);
    for (const rid of rids === "all" ? all : rids) this.#aborts.add(rid);
    this.#wake?.();
  }

  pause(mode: "in_place" | "retract" | "abort"): void {
    this.#paused = mode;
    if (mode === "abort") this.abort("all");
    if (mode === "retract") for (const sequence of this.#running.splice(0)) this.#retract(sequence);
  }

  resume(): void {
    this.#paused = null;
    this.#wake?.();
  }

  /** An answer of the scheduler itself: it comes after the next step, so never while the ranks hang. */
  roundTrip(): Promise<void> {
    return new Promise((resolve) => {
      this.#roundTrips.push(resolve);
      this.#wake?.();
    });
  }

  /** True if the cache was emptied: only an idle engine does. */
  flush(): boolean {
    if (this.inFlight > 0) return false;
    this.#cache.clear();
    return true;
  }

  /** Runs until the process ends. */
  async run(): Promise<never> {
    for (;;) {
      this.#applyAborts();
      this.#applyTimeouts();
      if (this.#roundTrips.length > 0 && (this.#paused !== null || this.#idle)) await this.#pass(0);
      if (this.#paused !== null || this.#idle) {
        this.busySince = null;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
        continue;
      }
      this.busySince ??= performance.now();
      try {
        const prefill = this.#takePrefill();
        if (prefill.length > 0 || this.#probes.length > 0) await this.#prefill(prefill);
        else await this.#decode();
      } catch (error) {
        this.#onException(error as Error);
        await new Promise(() => {});
      }
      this.busySince = performance.now();
    }
  }

  get #idle(): boolean {
    return this.#running.length === 0 && this.#queue.length === 0 && this.#probes.length === 0;
  }

  /** Waits until the ranks have passed a step and the emulated GPUs would have needed `ms` for it. */
  async #pass(ms: number): Promise<void> {
    const end = performance.now() + ms * this.#faults.slowFactor;
    await this.#step();
    const rest = end - performance.now();
    if (rest > 0) await sleep(rest);
    while (this.#faults.hang) await sleep(50);
    for (const answer of this.#roundTrips.splice(0)) answer();
  }

  /** Admits waiting requests and picks at most one chunk of prompt tokens, first come first served. */
  #takePrefill(): { sequence: Sequence; tokens: number }[] {
    this.#admit();
    let room = this.settings.chunkTokens;
    const batch: { sequence: Sequence; tokens: number }[] = [];
    for (const sequence of this.#running) {
      const left = sequence.tokens - sequence.prefilled;
      if (left <= 0 || room <= 0) continue;
      batch.push({ sequence, tokens: Math.min(left, room) });
      room -= Math.min(left, room);
    }
    return batch;
  }

  #admit(): void {
    const { maxRunningRequests, maxTotalTokens, attnDpSize } = this.settings;
    const capacity = Math.floor(maxTotalTokens / attnDpSize);
    for (;;) {
      const next = this.#queue.peek();
      if (next === undefined) return;
      if (this.#running.length >= maxRunningRequests || !this.#fits(next, capacity)) {
        if (!this.#preemptFor(next)) return;
        continue;
      }
      this.#queue.shift();
      next.startedAt = performance.now();
      const ids = [...next.request.promptIds, ...next.outputIds];
      next.prefilled = this.#cache.match(ids);
      if (next.outputIds.length === 0) next.cachedTokens = next.prefilled;
      this.stats.admitted(next);
      this.#running.push(next);
      this.#cache.evictTo(maxTotalTokens - this.load.usedTokens);
    }
  }

  #fits(next: Sequence, capacity: number): boolean {
    const same = this.#running.filter((sequence) => sequence.dpRank === next.dpRank);
    const future = (sequence: Sequence) => NEW_TOKEN_RATIO * Math.min(sequence.remaining, CLIP_NEW_TOKENS);
    const held = same.reduce((sum, sequence) => sum + sequence.tokens + future(sequence), 0);
    // A request that fits an empty pool must not wait for ever for a reserve that it alone would exceed.
    return same.length === 0 ? next.tokens <= capacity : held + next.tokens + future(next) <= capacity;
  }

  #preemptFor(next: Sequence): boolean {
    const { enabled, preempt, threshold, lowFirst } = this.settings.priority;
    if (!enabled || !preempt || this.#running.length === 0) return false;
    const rank = (sequence: Sequence) => (lowFirst ? -1 : 1) * sequence.request.priority;
    const victim = this.#running.reduce((low, sequence) => (rank(sequence) < rank(low) ? sequence : low));
    if (rank(next) - rank(victim) <= threshold) return false;
    this.#running.splice(this.#running.indexOf(victim), 1);
    this.#retract(victim);
    return true;
  }

  #retract(sequence: Sequence): void {
    sequence.prefilled = 0;
    sequence.firstTokenAt = 0;
    this.stats.retracted++;
    this.#queue.putBack(sequence);
  }

  async #prefill(batch: { sequence: Sequence; tokens: number }[]): Promise<void> {
    const probes = this.#probes.splice(0);
    const tokens = batch.reduce((sum, entry) => sum + entry.tokens, 0);
    for (const { sequence } of batch) this.#poison(sequence, null);
    await this.#pass(Math.max((tokens / this.settings.env.prefillTokensPerSecond) * 1000, this.#stepMs(1)));
    for (const probe of probes) this.#write(probe, 1);
    for (const { sequence, tokens: done } of batch) {
      sequence.prefilled += done;
      if (sequence.prefilled < sequence.tokens || !this.#running.includes(sequence)) continue;
      this.#cache.insert(sequence.request.promptIds);
      sequence.firstTokenAt = performance.now();
      this.#write(sequence, 1);
    }
  }

  #stepMs(batch: number): number {
    const { decodeStepMs, decodeTokensPerSecond } = this.settings.env;
    return Math.max(decodeStepMs, (batch / decodeTokensPerSecond) * 1000);
  }

  async #decode(): Promise<void> {
    this.#makeRoom();
    const batch = [...this.#running];
    if (batch.length === 0) return;
    const stepMs = this.#stepMs(batch.length);
    const steps = Math.max(1, Math.round(LEAST_TICK_MS / stepMs));
    const began = performance.now();
    await this.#pass(steps * stepMs);
    for (const sequence of batch) if (this.#running.includes(sequence)) this.#write(sequence, steps);
    this.stats.decoded(batch.length * steps, performance.now() - began);
  }

  /** Retracts the sequences with the shortest output until the rest has room for its next tokens. */
  #makeRoom(): void {
    const capacity = Math.floor(this.settings.maxTotalTokens / this.settings.attnDpSize);
    for (let rank = 0; rank < this.settings.attnDpSize; rank++) {
      const same = this.#running.filter((sequence) => sequence.dpRank === rank);
      same.sort((a, b) => b.outputIds.length - a.outputIds.length);
      while (same.length > 1 && same.reduce((sum, sequence) => sum + sequence.tokens + 1, 0) > capacity) {
        const victim = same.pop() as Sequence;
        this.#running.splice(this.#running.indexOf(victim), 1);
        this.#retract(victim);
      }
    }
  }

  #write(sequence: Sequence, steps: number): void {
    this.lastOutputAt = performance.now();
    const tokens: Generated[] = [];
    let finish: Finish | null = null;
    for (let step = 0; step < steps && finish === null; step++) {
      this.#poison(sequence, sequence.outputIds.length);
      const written = sequence.next((text) => this.#alter(text));
      if (written.token !== null) tokens.push(written.token);
      finish = written.finish;
    }
    sequence.prefilled = sequence.tokens;
    if (!sequence.request.probe) this.stats.wrote(sequence, tokens.length);
    sequence.request.emit(tokens, finish, sequence.progress);
    if (finish !== null && !sequence.request.probe) this.#leave(sequence);
  }

  #alter(text: string): string {
    const { wrongEvery } = this.#faults;
    if (wrongEvery === 0 || ++this.#tokensWritten % wrongEvery !== 0) return text;
    return text.replace(/^[0-9a-f]/, (digit) => (digit === "0" ? "f" : "0"));
  }

  #poison(sequence: Sequence, written: number | null): void {
    const poison = this.#faults.poison;
    if (poison === null || sequence.request.probe || poison.atToken !== written) return;
    if (sequence.request.message.includes(poison.marker))
      throw new SchedulerException("CUDA error: an illegal memory access was encountered");
  }

  #leave(sequence: Sequence): void {
    const at = this.#running.indexOf(sequence);
    if (at >= 0) this.#running.splice(at, 1);
    this.#cache.insert([...sequence.request.promptIds, ...sequence.outputIds]);
    this.stats.finished(sequence);
  }

  #finish(sequence: Sequence, finish: Finish): void {
    this.stats.aborted++;
    sequence.request.emit([], finish, sequence.progress);
  }

  #applyAborts(): void {
    if (this.#aborts.size === 0) return;
    for (const sequence of [...this.#running, ...this.#queue.all]) {
      if (!this.#aborts.has(sequence.request.rid)) continue;
      this.#queue.remove(sequence);
      this.#leave(sequence);
      this.#finish(sequence, { type: "abort", message: "Aborted by AbortReq." });
    }
    this.#aborts.clear();
  }

  #applyTimeouts(): void {
    const { waitingTimeoutMs, runningTimeoutMs } = this.settings.env;
    const now = performance.now();
    if (waitingTimeoutMs !== null)
      for (const sequence of this.#queue.all)
        if (now - sequence.queuedAt > waitingTimeoutMs) {
          this.#queue.remove(sequence);
          this.#finish(sequence, { type: "abort", message: "Request waiting timeout reached.", statusCode: 503 });
        }
    if (runningTimeoutMs !== null)
      for (const sequence of [...this.#running])
        if (now - sequence.startedAt > runningTimeoutMs) {
          this.#leave(sequence);
          this.#finish(sequence, { type: "abort", message: "Request running timeout reached.", statusCode: 503 });
        }
  }
}
