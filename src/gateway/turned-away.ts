import type { Rider } from "./stream/rider.ts";
import type { WatchClock } from "./watch-clock.ts";

/** Each further pause is twice as long. */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 4_000;
/** Its client has had no token for so long, and is told. */
const PATIENCE_MS = 60_000;

interface Wait {
  /** When it was turned away first, on the watch clock. */
  sinceMs: number;
  pauseMs: number;
  /** It ran alone, as one that may have crashed a group, and does so again. */
  isSuspect: boolean;
  /** Null while an engine has it, or is to have it next. */
  timer: NodeJS.Timeout | null;
}

/**
 * Answers of which a part was sent, and that an engine which is well had no room for. Each is tried again after a pause, for as
 * long as its client can be expected to wait; what the engine says of that is no reason against its group.
 */
export class TurnedAway {
  readonly #waits = new Map<Rider, Wait>();
  readonly #clock: Pick<WatchClock, "now">;
  readonly #again: (rider: Rider, isSuspect: boolean) => void;
  readonly #patienceMs: number;

  constructor(
    clock: Pick<WatchClock, "now">,
    again: (rider: Rider, isSuspect: boolean) => void,
    patienceMs: number = PATIENCE_MS,
  ) {
    this.#clock = clock;
    this.#again = again;
    this.#patienceMs = patienceMs;
  }

  /** False if it has waited long enough, or would by the time at which the engine wants to be asked again. */
  add(rider: Rider, isSuspect: boolean, retryAfterS: number | null): boolean {
    const before = this.#waits.get(rider);
    const sinceMs = before?.sinceMs ?? this.#clock.now();
    const ownMs = before === undefined ? FIRST_PAUSE_MS : Math.min(2 * before.pauseMs, MAX_PAUSE_MS);
    const pauseMs = Math.max(ownMs, 1000 * (retryAfterS ?? 0));
    this.forget(rider);
    if (this.#clock.now() + pauseMs - sinceMs > this.#patienceMs) return false;
    const timer = setTimeout(() => {
      wait.timer = null;
      this.#again(rider, isSuspect);
    }, pauseMs);
    const wait: Wait = { sinceMs, pauseMs, isSuspect, timer };
    this.#waits.set(rider, wait);
    return true;
  }

  /** It has its first token, or is over. */
  forget(rider: Rider): void {
    clearTimeout(this.#waits.get(rider)?.timer ?? undefined);
    this.#waits.delete(rider);
  }

  /** Requests go to another group, which may have room: nobody waits any longer. */
  release(): void {
    for (const [rider, { isSuspect, timer }] of [...this.#waits]) {
      this.forget(rider);
      if (timer !== null) this.#again(rider, isSuspect);
    }
  }
}
