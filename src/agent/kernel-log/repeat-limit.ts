/** Lines of one kind that pass within a second. One fault of an application can write an XID 13 for each of 132 SMs. */
const PER_SECOND = 20;

/**
 * Lets the first lines of each kind pass and counts the rest of the second. Every kind has its own allowance, so a flood
 * of one XID never hides another.
 */
export class RepeatLimit {
  readonly #onDropped: (key: string, count: number) => void;
  readonly #windows = new Map<string, { untilMs: number; passed: number; dropped: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(onDropped: (key: string, count: number) => void) {
    this.#onDropped = onDropped;
  }

  passes(key: string, nowMs: number): boolean {
    let window = this.#windows.get(key);
    if (window === undefined || nowMs >= window.untilMs) {
      if (window !== undefined && window.dropped > 0) this.#onDropped(key, window.dropped);
      window = { untilMs: nowMs + 1_000, passed: 0, dropped: 0 };
      this.#windows.set(key, window);
      this.#timer ??= setTimeout(() => this.#sweep(), 5_000).unref();
    }
    if (window.passed < PER_SECOND) {
      window.passed++;
      return true;
    }
    window.dropped++;
    return false;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #sweep(): void {
    this.#timer = undefined;
    for (const [key, { dropped }] of this.#windows) if (dropped > 0) this.#onDropped(key, dropped);
    this.#windows.clear();
  }
}
