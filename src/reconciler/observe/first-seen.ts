/** When something happened that another computer has recorded, on the clock of this process. */
export interface Seen {
  /** As recorded, within what this process knows by itself: not before it last saw that it had not happened, nor still to come. */
  atMs: number;
  /** When it was first seen: whatever was heard since is of after it. */
  seenMs: number;
}

export interface Look {
  /** By the record, on the clock of this process; wrong by as much as the two computers' clocks differ. */
  recordedMs: number;
  /** What is looked at was so at this moment; a watch may be late. */
  readMs: number;
  nowMs: number;
}

/** A read of our own may be ahead of the watch, so that the value of before comes once more. */
const KEPT = 4;

/**
 * Remembers when each recorded value was first seen. The computer that wrote it may have a wrong clock; whoever has watched all
 * along knows better. Of what was there already when this process came the record is all that is known.
 */
export class FirstSeen {
  readonly #known = new Map<string, { readMs: number; values: Map<string | number, Seen> }>();

  /** `value` tells one such event of `what` from the next, as the record's own text of its time does; null for none. */
  see(what: string, value: string | number | null, { recordedMs, readMs, nowMs }: Look): Seen | null {
    const before = this.#known.get(what);
    const known = before ?? { readMs, values: new Map<string | number, Seen>() };
    const lastReadMs = before?.readMs ?? Number.NEGATIVE_INFINITY;
    known.readMs = Math.max(known.readMs, readMs);
    this.#known.set(what, known);
    if (value === null) return null;
    const old = known.values.get(value);
    if (old !== undefined) return old;
    const seen = { atMs: Math.min(Math.max(recordedMs, lastReadMs), nowMs), seenMs: nowMs };
    known.values.set(value, seen);
    for (const oldest of [...known.values.keys()].slice(0, -KEPT)) known.values.delete(oldest);
    return seen;
  }
}
