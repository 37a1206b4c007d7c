import { HoldUps } from "./hold-ups.ts";

/** A longer step than this between two ticks means that this process was held up. */
const LONGEST_STEP_MS = 100;

/**
 * A monotonic clock that stands still while this process was held up (a busy machine, a pause, a debugger). What others
 * sent in that time still lies unread in the kernel's buffers; measured on this clock nobody seems silent for it.
 */
export class WatchClock {
  readonly #now: () => number;
  #base = 0;
  #lastTick: number;
  readonly #holdUps = new HoldUps();
  /** Time that did not count, in all. */
  heldUpMs = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#lastTick = now();
  }

  now(): number {
    return this.#base + Math.min(LONGEST_STEP_MS, this.#now() - this.#lastTick);
  }

  /** When it was on this clock what happened so long ago by clocks of others, which went on while this one stood still. */
  before(agoMs: number): number {
    this.tick();
    return this.#holdUps.before(this.now(), agoMs);
  }

  /** How long ago it showed `atMs`, for others, whose clocks went on while this one stood still. */
  agoMs(atMs: number): number {
    this.tick();
    return this.now() - atMs + this.#holdUps.since(atMs);
  }

  /** To be called by a timer, several times within `LONGEST_STEP_MS`. */
  tick(): void {
    const at = this.#now();
    const step = at - this.#lastTick;
    this.#base += Math.min(LONGEST_STEP_MS, step);
    if (step > LONGEST_STEP_MS) {
      this.heldUpMs += step - LONGEST_STEP_MS;
      this.#holdUps.add(this.#base, step - LONGEST_STEP_MS);
    }
    this.#lastTick = at;
  }
}
