/**
 * How far the clock of a gateway is ahead of this computer's, from what it says when it is asked. Answers that came at once
 * say it best, so that the quickest of them counts.
 */
export class ClockOffset {
  /** 0 until it has said something: a gateway of an earlier release does not. */
  aheadMs = 0;
  #bestMs = Number.POSITIVE_INFINITY;

  /** @param wallMs its clock when it answered; `askedMs` and `answeredMs` are ours before and after */
  heard(wallMs: number | undefined, askedMs: number, answeredMs: number): void {
    const tripMs = answeredMs - askedMs;
    if (wallMs === undefined || tripMs >= this.#bestMs) return;
    this.#bestMs = tripMs;
    this.aheadMs = wallMs - (askedMs + answeredMs) / 2;
  }
}
