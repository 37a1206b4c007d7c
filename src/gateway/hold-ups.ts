/** What is told late is of the last minutes; a starved computer holds a process up several times in each second. */
const LATEST = 1_000;

/**
 * The times at which a watch clock stood still. Others go on counting then: an age that they tell is longer than what this clock
 * counted since, and without these times what came first would seem to have come last.
 */
export class HoldUps {
  readonly #latest: { atMs: number; lastedMs: number }[] = [];

  /** The clock stood still at `atMs` of its own time. */
  add(atMs: number, lastedMs: number): void {
    if (this.#latest.push({ atMs, lastedMs }) > LATEST) this.#latest.shift();
  }

  /** How long it stood still since it showed `sinceMs`. */
  since(sinceMs: number): number {
    return this.#latest.reduce((sum, { atMs, lastedMs }) => (atMs >= sinceMs ? sum + lastedMs : sum), 0);
  }

  /** What the clock, which shows `nowMs`, showed `agoMs` of real time ago. */
  before(nowMs: number, agoMs: number): number {
    let [leftMs, timeMs] = [agoMs, nowMs];
    for (const { atMs, lastedMs } of this.#latest.toReversed()) {
      if (leftMs <= timeMs - atMs) break;
      leftMs -= timeMs - atMs;
      timeMs = atMs;
      if (leftMs <= lastedMs) return timeMs;
      leftMs -= lastedMs;
    }
    return timeMs - leftMs;
  }
}
