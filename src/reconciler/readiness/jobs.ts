/**
 * A few jobs that are due again and again, each at most once at a time. `stop` ends what runs and forgets it: whatever it
 * still finds out is about something that is over.
 */
export class Jobs<Name extends string> {
  readonly #dueMs = new Map<Name, number>();
  readonly #running = new Set<Name>();
  readonly #onError: (error: unknown) => void;
  #round = new AbortController();
  #notBeforeMs = 0;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Starts a job if it is due. `work` says after how many milliseconds it is due again; `afterErrorMs` where it throws. */
  run(name: Name, afterErrorMs: number, work: (signal: AbortSignal) => Promise<number>): void {
    if (this.#running.has(name) || Math.max(this.#dueMs.get(name) ?? 0, this.#notBeforeMs) > performance.now()) return;
    const { signal } = this.#round;
    this.#running.add(name);
    const over = (againMs: number) => {
      if (signal.aborted) return;
      this.#running.delete(name);
      this.#dueMs.set(name, performance.now() + againMs);
    };
    work(signal).then(over, (error: unknown) => {
      if (signal.aborted) return;
      over(afterErrorMs);
      this.#onError(error);
    });
  }

  /** Ends what runs; everything is due again after so many milliseconds. */
  stop(againMs = 0): void {
    this.#round.abort();
    this.#round = new AbortController();
    this.#running.clear();
    this.#dueMs.clear();
    this.#notBeforeMs = performance.now() + againMs;
  }
}
