import type { Kernel } from "../kernel.ts";

/**
 * A process that can be killed (what it planned is lost), stopped and woken (what it planned waits and then runs, in order,
 * as after SIGSTOP), and started again.
 */
export class Actor {
  readonly name: string;
  readonly kernel: Kernel;
  alive = true;
  frozen = false;
  /** When it last woke; what it planned before may be long out of date. */
  wokeMs = Number.NEGATIVE_INFINITY;
  frozeMs = Number.POSITIVE_INFINITY;
  #life = 0;
  #waiting: (() => void)[] = [];

  constructor(name: string, kernel: Kernel) {
    this.name = name;
    this.kernel = kernel;
  }

  get runs(): boolean {
    return this.alive && !this.frozen;
  }

  after(ms: number, run: () => void): void {
    const life = this.#life;
    this.kernel.after(ms, () => this.#deliver(life, run));
  }

  #deliver(life: number, run: () => void): void {
    if (life !== this.#life) return;
    // Nothing overtakes what lay here while it stood still.
    if (this.frozen || this.#waiting.length > 0) this.#waiting.push(run);
    else run();
  }

  freeze(): void {
    if (!this.frozen) this.frozeMs = this.kernel.now;
    this.frozen = true;
  }

  wake(): void {
    if (!this.frozen) return;
    this.frozen = false;
    this.wokeMs = this.kernel.now;
    this.#drain();
  }

  #drain(): void {
    if (this.#waiting.length === 0) return;
    this.kernel.after(0, () => {
      if (!this.frozen) this.#waiting.shift()?.();
      if (!this.frozen) this.#drain();
    });
  }

  kill(): void {
    this.#life += 1;
    this.alive = false;
    this.frozen = false;
    this.#waiting = [];
  }

  revive(): void {
    this.#life += 1;
    this.alive = true;
  }
}
