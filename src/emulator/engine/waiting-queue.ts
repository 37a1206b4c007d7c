import type { Sequence } from "./sequence.ts";
import type { EngineSettings } from "./settings.ts";

/** Requests that wait for a place: first come first served, or by priority; full at --max-queued-requests. */
export class WaitingQueue {
  #items: Sequence[] = [];
  readonly #settings: EngineSettings;

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  get length(): number {
    return this.#items.length;
  }

  get all(): readonly Sequence[] {
    return [...this.#items];
  }

  /** Adds a newcomer; returns who is refused for lack of room (managers/scheduler.py:3553), if anybody. */
  add(sequence: Sequence): { sequence: Sequence; message: string } | null {
    const limit = this.#settings.maxQueuedRequests;
    if (limit !== null && this.#items.length + 1 > limit) {
      const worst = this.#settings.priority.enabled ? this.#items.at(-1) : undefined;
      if (worst === undefined || this.#rank(sequence) <= this.#rank(worst))
        return { sequence, message: "The request queue is full." };
      this.remove(worst);
      this.#insert(sequence);
      return { sequence: worst, message: "The request is aborted by a higher priority request." };
    }
    this.#insert(sequence);
    return null;
  }

  /** An evicted request keeps its place in time. */
  putBack(sequence: Sequence): void {
    this.#insert(sequence);
  }

  peek(): Sequence | undefined {
    return this.#items[0];
  }

  shift(): Sequence | undefined {
    return this.#items.shift();
  }

  remove(sequence: Sequence): void {
    const at = this.#items.indexOf(sequence);
    if (at >= 0) this.#items.splice(at, 1);
  }

  #rank(sequence: Sequence): number {
    if (!this.#settings.priority.enabled) return 0;
    return (this.#settings.priority.lowFirst ? -1 : 1) * sequence.request.priority;
  }

  #insert(sequence: Sequence): void {
    const after = (other: Sequence) => {
      const difference = this.#rank(sequence) - this.#rank(other);
      return difference > 0 || (difference === 0 && sequence.queuedAt < other.queuedAt);
    };
    const at = this.#items.findIndex(after);
    if (at < 0) this.#items.push(sequence);
    else this.#items.splice(at, 0, sequence);
  }
}
