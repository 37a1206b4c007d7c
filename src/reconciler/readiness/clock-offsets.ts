/** Frames that an offset is the least of: the frame that came fastest says most. */
const KEPT = 40;

/**
 * How far the wall clocks of the servers are from ours. A frame is sent at once and arrives later, so its clock looks behind
 * by its way; the frame that was fastest is nearest to the truth.
 */
export class ClockOffsets {
  readonly #seen = new Map<string, number[]>();

  /** A beat or evidence that just arrived; not a backlog, which is old. */
  hear(server: string, frame: { type: string; wallMs: number }, ourWallMs: number): void {
    if (frame.type !== "beat" && frame.type !== "hello") return;
    const seen = this.#seen.get(server) ?? [];
    seen.push(frame.wallMs - ourWallMs);
    this.#seen.set(server, seen.slice(-KEPT));
  }

  /** Its clock minus ours, milliseconds; null before it was heard. */
  aheadMs(server: string): number | null {
    const seen = this.#seen.get(server);
    return seen === undefined || seen.length === 0 ? null : Math.max(...seen);
  }
}
