const MAX_ENTRIES = 1000;

/** Fingerprints of requests that were present when engines crashed, and until when they are refused. */
export class PoisonList {
  readonly #untilMs = new Map<string, number>();
  readonly #refuseForMs: number;

  constructor(refuseForMs: number) {
    this.#refuseForMs = refuseForMs;
  }

  add(fingerprint: string, nowMs: number): void {
    this.#untilMs.set(fingerprint, nowMs + this.#refuseForMs);
    const oldest = this.#untilMs.keys().next().value;
    if (this.#untilMs.size > MAX_ENTRIES && oldest !== undefined) this.#untilMs.delete(oldest);
  }

  /** Milliseconds for which the fingerprint is still refused; 0 if it is not. */
  left(fingerprint: string, nowMs: number): number {
    const until = this.#untilMs.get(fingerprint);
    if (until === undefined) return 0;
    if (until > nowMs) return until - nowMs;
    this.#untilMs.delete(fingerprint);
    return 0;
  }
}
