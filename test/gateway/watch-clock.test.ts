import { describe, expect, test } from "vitest";
import { WatchClock } from "../../src/gateway/watch-clock.ts";

/** A clock over a time that the test sets, ticked as a gateway ticks it. */
function clockOf() {
  let realMs = 1_000;
  const clock = new WatchClock(() => realMs);
  const run = (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      realMs += Math.min(50, left);
      clock.tick();
    }
  };
  const hold = (ms: number) => {
    realMs += ms;
    clock.tick();
  };
  return { clock, run, hold, real: () => realMs };
}

describe("a clock that stands still while its process is held up", () => {
  test("does not count that time, and tells others of it", () => {
    const { clock, run, hold, real } = clockOf();
    run(400);
    const token = { watchMs: clock.now(), realMs: real() };
    run(200);
    hold(16_000);
    run(300);
    expect(clock.now() - token.watchMs).toBe(600);
    expect(clock.agoMs(token.watchMs)).toBe(real() - token.realMs);
    const later = { watchMs: clock.now(), realMs: real() };
    run(150);
    expect(clock.agoMs(later.watchMs), "what came after it is as old as it seems").toBe(real() - later.realMs);
  });

  test("an age that others tell goes back over it", () => {
    const { clock, run, hold } = clockOf();
    run(1_000);
    const beganMs = clock.now();
    hold(5_000);
    run(500);
    expect(clock.before(500)).toBe(clock.now() - 500);
    expect(clock.before(5_700)).toBeLessThan(beganMs);
  });
});
