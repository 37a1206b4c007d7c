/**
 * Milliseconds until the wall clock is at a multiple of `everyMs`, so that timers of one process wake it up together, and those of
 * all servers whose clocks agree wake up once who listens to many. From half a period to one and a half.
 */
export function untilAligned(everyMs: number, wallMs: number): number {
  const leftMs = everyMs - (wallMs % everyMs);
  // A timer may come a little early: that moment was this one. Fractions are dropped by Node, which would be too early.
  return Math.ceil(leftMs < everyMs / 2 ? leftMs + everyMs : leftMs);
}

/**
 * Calls `act` at each of these moments. A clock that leaps moves one call by half a period at most. It keeps no process alive.
 *
 * @returns ends it
 */
export function alignedTimer(everyMs: number, wallMs: () => number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const later = () => {
    timer = setTimeout(
      () => {
        // First: what it throws must not be the end of all calls.
        later();
        act();
      },
      untilAligned(everyMs, wallMs()),
    ).unref();
  };
  later();
  return () => clearTimeout(timer);
}
