/**
 * Virtual time, in whole milliseconds (V8 keeps a whole number in its place and puts any other on the heap): runs what was planned
 * in the order of its time, and nothing between. Ties keep the order of planning.
 */
export class Kernel {
  now = 0;
  /** Events that ran so far. */
  events = 0;
  readonly #heap: Entry[] = [];
  #planned = 0;

  at(atMs: number, run: () => void): void {
    const entry: Entry = { atMs: Math.max(Math.ceil(atMs), this.now), order: this.#planned++, run };
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(entry);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = entry;
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** Runs until `untilMs`, or until `done` says so after an event. */
  run(untilMs: number, done: () => boolean): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      this.now = next.atMs;
      this.events += 1;
      next.run();
      if (done()) return;
    }
    this.now = Math.max(this.now, untilMs);
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      const below = heap[child] as Entry;
      if (!isBefore(below, last)) break;
      heap[hole] = below;
      hole = child;
    }
    heap[hole] = last;
  }
}

interface Entry {
  atMs: number;
  order: number;
  run: () => void;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
