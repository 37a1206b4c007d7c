/** A request that waits for a group: new, or broken and to be carried on. */
export interface Job {
  readonly id: string;
  /** What this group would have to read before the first token: its context, less what it has in its cache. */
  prefillTokens(group: string): number;
  start(group: string): void;
}

export interface DispatcherLimits {
  /** Prompt tokens of continuations that may be in prefill at once: short ones then are not stuck behind long ones. */
  prefillWindowTokens: number;
}

/**
 * Hands requests to the group in use. Continuations come first, in the order of the plan that was made for them, a few at a
 * time; suspects of a crash one by one after those; new requests when all continuations are under way.
 */
export class Dispatcher {
  #group: string | null = null;
  #carried: Job[] = [];
  #suspects: Job[] = [];
  #fresh: Job[] = [];
  #slot: Job | null = null;
  readonly #prefilling = new Map<Job, number>();
  readonly #limits: DispatcherLimits;

  constructor(limits: DispatcherLimits) {
    this.#limits = limits;
  }

  get waiting(): { carried: number; suspects: number; fresh: number } {
    return { carried: this.#carried.length, suspects: this.#suspects.length, fresh: this.#fresh.length };
  }

  /** The suspect that runs alone now, if there is one. */
  get probation(): Job | null {
    return this.#slot;
  }

  use(group: string | null): void {
    this.#group = group;
    this.#pump();
  }

  submit(job: Job): void {
    this.#fresh.push(job);
    this.#pump();
  }

  resume(together: readonly Job[], oneByOne: readonly Job[]): void {
    this.#carried.push(...together);
    this.#suspects.push(...oneByOne);
    this.#pump();
  }

  /** The job has its first token: the group has read its prompt. */
  prefilled(job: Job): void {
    if (this.#prefilling.delete(job)) this.#pump();
  }

  /** The suspect has written enough to be trusted. */
  cleared(job: Job): void {
    if (this.#slot !== job) return;
    this.#slot = null;
    this.#pump();
  }

  /** The job is over, or lost its group: it is in nobody's hands. */
  left(job: Job): void {
    this.#prefilling.delete(job);
    if (this.#slot === job) this.#slot = null;
    const others = (one: Job) => one !== job;
    this.#carried = this.#carried.filter(others);
    this.#suspects = this.#suspects.filter(others);
    this.#fresh = this.#fresh.filter(others);
    this.#pump();
  }

  /** Everything that waits, taken out: no group came in time. */
  drain(): Job[] {
    const all = [...this.#carried, ...this.#suspects, ...this.#fresh];
    this.#carried = [];
    this.#suspects = [];
    this.#fresh = [];
    return all;
  }

  #pump(): void {
    while (this.#group !== null) {
      const job = this.#next(this.#group);
      if (job === undefined) return;
      job.start(this.#group);
    }
  }

  #next(group: string): Job | undefined {
    if (this.#carried.length > 0) {
      const inPrefill = [...this.#prefilling.values()].reduce((sum, tokens) => sum + tokens, 0);
      if (inPrefill >= this.#limits.prefillWindowTokens) return undefined;
      const job = this.#carried.shift();
      if (job !== undefined) this.#prefilling.set(job, job.prefillTokens(group));
      return job;
    }
    if (this.#slot === null && this.#suspects.length > 0 && this.#prefilling.size === 0) {
      this.#slot = this.#suspects.shift() ?? null;
      if (this.#slot !== null) return this.#slot;
    }
    return this.#fresh.shift();
  }
}
