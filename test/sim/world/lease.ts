/** The times of client-go's leader election. */
export const LEASE_MS = 15_000;
export const RENEW_WITHIN_MS = 10_000;
export const RETRY_MS = 2_000;

/** The Lease object. Candidates never compare clocks: each counts from the moment at which it saw the record change. */
export class Lease {
  holder: string | null = null;
  /** Grows with every renewal. */
  record = 0;

  take(who: string): void {
    this.holder = who;
    this.record += 1;
  }
}

/** One candidate's view of the lease, on its own monotonic clock. */
export class Candidate {
  readonly name: string;
  readonly #lease: Lease;
  #seenRecord = -1;
  #seenMs = 0;
  #renewedMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, lease: Lease) {
    this.name = name;
    this.#lease = lease;
  }

  /** It may act: it renewed lately, by its own clock. */
  holds(nowMs: number): boolean {
    return nowMs - this.#renewedMs < RENEW_WITHIN_MS;
  }

  /** One attempt at a reachable API server; true if the lease is (still, or newly) held. */
  attempt(nowMs: number): boolean {
    const lease = this.#lease;
    if (lease.record !== this.#seenRecord) {
      this.#seenRecord = lease.record;
      this.#seenMs = nowMs;
    }
    const isFree = lease.holder === null || nowMs - this.#seenMs > LEASE_MS;
    if (lease.holder !== this.name && !isFree) return false;
    lease.take(this.name);
    this.#seenRecord = lease.record;
    this.#seenMs = nowMs;
    this.#renewedMs = nowMs;
    return true;
  }
}
