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
    if (this.frozen) this.#waiting.push(() => this.#deliver(life, run));
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
    for (const run of this.#waiting.splice(0)) this.kernel.after(0, run);
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
