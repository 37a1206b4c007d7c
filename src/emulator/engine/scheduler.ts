import { setTimeout as sleep } from "node:timers/promises";
import { mayStart, overflow, type PrefillPart, prefillChunk, stepMsOf, timedOut, victimOf } from "./admission.ts";
import { alterText, assertNoPoison, type Faults } from "./faults.ts";
import { PrefixCaches } from "./radix.ts";
import type { EngineRequest, Finish } from "./request.ts";
import { Sequence } from "./sequence.ts";
import type { EngineSettings } from "./settings.ts";
import { Statistics } from "./statistics.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/** Several decode steps that are due together are one pass through the ranks, so that fast settings stay cheap. */
const LEAST_TICK_MS = 10;
/**
 * Continuous batching over the emulated ranks: prefill before decode, chunk by chunk, rates shared by all requests.
 * `step` passes the ranks of all servers once; the loop waits for it as SGLang's waits for its collectives.
 */
export class Scheduler {
  readonly stats: Statistics;
  readonly settings: EngineSettings;
  readonly #step: () => Promise<void>;
  readonly #faults: Faults;
  readonly #caches: PrefixCaches;
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

  constructor(settings: EngineSettings, step: () => Promise<void>, faults: Faults) {
    this.settings = settings;
    this.#step = step;
    this.#faults = faults;
    this.#caches = new PrefixCaches(settings);
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
    return { running: this.#running, waiting: this.#queue.all, usedTokens: used, cachedTokens: this.#caches.tokens };
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
    if (mode === "retract") for (const sequence of [...this.#running]) this.#retract(sequence);
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
    this.#caches.clear();
    return true;
  }

  /** Runs until the process ends; rejects with the exception that a real scheduler process would die of. */
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
      this.#admit();
      const prefill = prefillChunk(this.#running, this.settings.chunkTokens);
      if (prefill.length > 0 || this.#probes.length > 0) await this.#prefill(prefill);
      else await this.#decode();
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

  #admit(): void {
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      if (!mayStart(next, this.#running, this.settings)) {
        const victim = victimOf(next, this.#running, this.settings);
        if (victim === null) return;
        this.#retract(victim);
        continue;
      }
      this.#queue.shift();
      next.startedAt = performance.now();
      const cached = this.#caches.of(next).match([...next.request.promptIds, ...next.outputIds]);
      next.prefilled = Math.min(cached, next.request.recomputeFrom ?? cached);
      next.sharedTokens = cached;
      if (next.outputIds.length === 0) next.cachedTokens = next.prefilled;
      this.stats.admitted(next);
      this.#running.push(next);
      this.#caches.makeRoom(next, this.#running);
    }
  }

  #retract(sequence: Sequence): void {
    const at = this.#running.indexOf(sequence);
    if (at >= 0) this.#running.splice(at, 1);
    sequence.prefilled = 0;
    this.stats.retracted++;
    this.#queue.putBack(sequence);
  }

  async #prefill(batch: readonly PrefillPart[]): Promise<void> {
    const probes = this.#probes.splice(0);
    const tokens = batch.reduce((sum, entry) => sum + entry.tokens, 0);
    for (const { sequence } of batch) assertNoPoison(this.#faults, sequence.request, null);
    await this.#pass(
      Math.max((tokens / this.settings.env.prefillTokensPerSecond) * 1000, stepMsOf(this.settings.env, 1)),
    );
    for (const probe of probes) this.#write(probe, 1);
    for (const { sequence, tokens: done } of batch) {
      sequence.prefilled += done;
      this.stats.prefilled(sequence, done);
      if (sequence.prefilled < sequence.tokens || !this.#running.includes(sequence)) continue;
      this.#caches.of(sequence).insert(sequence.request.promptIds);
      sequence.sharedTokens = sequence.request.promptIds.length;
      this.#write(sequence, 1);
    }
  }

  async #decode(): Promise<void> {
    for (const sequence of overflow(this.#running, this.settings)) this.#retract(sequence);
    const batch = [...this.#running];
    if (batch.length === 0) return;
    const stepMs = stepMsOf(this.settings.env, batch.length);
    const steps = Math.max(1, Math.round(LEAST_TICK_MS / stepMs));
    const began = performance.now();
    await this.#pass(steps * stepMs);
    for (const sequence of batch) if (this.#running.includes(sequence)) this.#write(sequence, steps);
    this.stats.decoded(batch.length, steps, performance.now() - began);
  }

  /** Lets a sequence write up to `steps` tokens; each goes out by itself, as SGLang's stream interval of 1 has it. */
  #write(sequence: Sequence, steps: number): void {
    this.lastOutputAt = performance.now();
    for (let step = 0; step < steps; step++) {
      assertNoPoison(this.#faults, sequence.request, sequence.outputIds.length);
      const { token, finish } = sequence.next((text) => alterText(this.#faults, text, ++this.#tokensWritten));
      sequence.prefilled = sequence.tokens;
      if (!sequence.request.probe) this.stats.wrote(sequence, 1);
      sequence.request.emit([token], finish, sequence.progress);
      if (finish === null) continue;
      if (!sequence.request.probe) this.#leave(sequence);
      return;
    }
  }

  #leave(sequence: Sequence): void {
    const at = this.#running.indexOf(sequence);
    if (at >= 0) this.#running.splice(at, 1);
    // Of a request that is ended early there is no more than was read.
    const ids = [...sequence.request.promptIds, ...sequence.outputIds];
    this.#caches.of(sequence).insert(ids.slice(0, sequence.prefilled));
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
    for (const { sequence, which } of timedOut(this.#queue.all, this.#running, this.settings.env, performance.now())) {
      this.#queue.remove(sequence);
      this.#leave(sequence);
      this.#finish(sequence, { type: "abort", message: `Request ${which} timeout reached.`, statusCode: 503 });
    }
  }
}
