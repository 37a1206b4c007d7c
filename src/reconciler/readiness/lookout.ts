import { nextSilenceMs, type Outlook, SIGN_SILENCE_MS, signsOf } from "../../failover/readiness/signs.ts";
import type { HealthRules } from "../../health/rules.ts";

export interface LookoutOptions {
  /** What is heard of the active group now; null before anything is known. */
  outlook(): Outlook | null;
  rules: HealthRules;
  /** Whether anything runs that a sign would end. */
  isBusy(): boolean;
  /** A sign that was not there before. */
  onSign(reason: string): void;
}

/** On a machine that is starved silence comes and goes; without an end to patience nothing would ever be proved there. */
const MAX_PATIENCE_MS = 2_000;

/**
 * Looks out for the first sign that the standby may be needed. Whoever hears something asks for a look at once; silence, which
 * nobody hears, has a timer that ends when the next beat is late.
 */
export class Lookout {
  readonly #options: LookoutOptions;
  /** Signs that stand, and when each was first seen; null before the first look, whose signs are nothing new. */
  #seenMs: ReadonlyMap<string, number> | null = null;
  /** Silence that counts: longer than what has ended by itself, until {@link trust}. */
  #patienceMs = SIGN_SILENCE_MS;
  #late: NodeJS.Timeout | undefined;

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  look(): void {
    const { outlook, rules, isBusy, onSign } = this.#options;
    clearTimeout(this.#late);
    const known = outlook();
    if (known === null) return;
    const atMs = performance.now();
    const signs = signsOf(known, atMs, rules, this.#patienceMs);
    const before = this.#seenMs;
    const newMs = before === null ? Number.NEGATIVE_INFINITY : atMs;
    this.#seenMs = new Map(signs.map(({ key }) => [key, before?.get(key) ?? newMs]));
    const first = before === null ? undefined : signs.find(({ key }) => !before.has(key));
    if (first !== undefined) onSign(first.reason);
    const isOver = (key: string) => key.startsWith("silent ") && !this.#seenMs?.has(key);
    if ([...(before?.keys() ?? [])].some(isOver)) this.#patienceMs = Math.min(MAX_PATIENCE_MS, this.#patienceMs * 1.5);
    const dueMs = isBusy() ? nextSilenceMs(known, atMs, this.#patienceMs) : null;
    // What has arrived while this process had no time is read first.
    if (dueMs !== null) this.#late = setTimeout(() => setImmediate(() => this.look()), dueMs - atMs + 1);
  }

  /** Whether no sign is younger than this. */
  isCalm(forMs: number): boolean {
    const sinceMs = performance.now() - forMs;
    return [...(this.#seenMs?.values() ?? [])].every((seenMs) => seenMs <= sinceMs);
  }

  /** A proof came to its end: silence counts as early as it did at first. */
  trust(): void {
    this.#patienceMs = SIGN_SILENCE_MS;
  }

  close(): void {
    clearTimeout(this.#late);
  }
}
