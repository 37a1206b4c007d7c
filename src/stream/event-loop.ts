import { alignedTimer } from "./aligned-timer.ts";

/** A time in which this process did nothing at all: what others said meanwhile was not heard yet. */
export interface Stall {
  fromMonoMs: number;
  toMonoMs: number;
}

/** Each look wakes the process up, all day long: often enough to see a stall of the tolerance, and no oftener. */
const EVERY_MS = 100;
/** Scheduling delays of a busy computer with two cores stay below; whoever judges silence overlooks 300 ms. */
const TOLERANCE_MS = 200;

const listeners = new Set<(stall: Stall) => void>();
let endLooks: (() => void) | undefined;
let lastMonoMs = 0;

/**
 * Calls back after each stall of this process (frozen, swapped, starved, or busy with its own work), on the clock of
 * `performance.now()`. Timers run before sockets are read, so the callback comes *before* the frames that waited:
 * silence must not be judged before the next turn of the event loop.
 *
 * @returns a function that ends it
 */
export function onStall(listener: (stall: Stall) => void): () => void {
  listeners.add(listener);
  if (endLooks === undefined) {
    lastMonoMs = performance.now();
    // With the beats that are heard, so that both are one wake-up.
    endLooks = alignedTimer(EVERY_MS, Date.now, look);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    endLooks?.();
    endLooks = undefined;
  };
}

function look(): void {
  const fromMonoMs = lastMonoMs;
  const toMonoMs = performance.now();
  lastMonoMs = toMonoMs;
  if (toMonoMs - fromMonoMs < TOLERANCE_MS) return;
  for (const listener of listeners) listener({ fromMonoMs, toMonoMs });
}
