import type { Group } from "../groups/group.ts";
import type { Rider } from "../stream/rider.ts";
import { dueFor } from "./due.ts";
import { warmBody } from "./warm-body.ts";
import { stillWarm } from "./warmed.ts";

/** Requests in the standby's hands at once: what it reads when it must take over delays the first that it continues. */
const AT_ONCE = 2;
const LOOK_MS = 250;
/** An engine that refuses, or breaks off, is left alone for so long. */
const PAUSE_MS = 10_000;
/** Longer than a full context takes to read (5 s for 160,000 tokens). */
const GIVE_UP_MS = 30_000;

export type WarmOutcome = "read" | "refused" | "broke";

export interface WarmerHooks {
  riders: ReadonlySet<Rider>;
  /** The group that is used. */
  current(): string;
  /** See `idleStandby`. */
  standby(): Group | null;
  /** Attention-DP ranks of an engine; each has a cache of its own. */
  attentionDp: number;
  clock: { now(): number };
  onOutcome(outcome: WarmOutcome, rider: Rider): void;
}

/**
 * Has the standby read what running answers say, a little at a time, so that its prefix cache has nearly all of it when it must
 * take over: the next token then waits for the tokens that came last, and not for every prompt to be read again. Nothing depends on
 * it; whatever goes wrong here only makes that moment longer.
 */
export class Warmer {
  readonly #hooks: WarmerHooks;
  /** What is being read, and how to let go of it. */
  readonly #reading = new Map<Rider, () => void>();
  /** An engine broke while it read these, or will not have them: they are not shown to one again. */
  readonly #barred = new WeakSet<Rider>();
  /** As of the last look. */
  #due: Rider[] = [];
  #pausedUntilMs = 0;
  #count = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(hooks: WarmerHooks) {
    this.#hooks = hooks;
  }

  /** An answer has begun; looks go on by themselves until none runs. */
  wake(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#look();
      if (this.#hooks.riders.size > 0) this.wake();
    }, LOOK_MS);
  }

  /** Lets go of what is being read: its reader has better things to do, or is not to be trusted. */
  stop(): void {
    for (const letGo of this.#reading.values()) letGo();
    this.#reading.clear();
    this.#due = [];
  }

  close(): void {
    this.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #look(): void {
    const { riders, current, standby } = this.#hooks;
    const group = standby();
    this.#due = group === null ? [] : dueFor(group, current(), riders).filter((rider) => !this.#barred.has(rider));
    this.#pump();
  }

  #pump(): void {
    while (this.#reading.size < AT_ONCE && this.#hooks.clock.now() >= this.#pausedUntilMs) {
      const group = this.#hooks.standby();
      const rider = this.#due.shift();
      if (group === null || rider === undefined) return;
      if (!rider.over && !this.#reading.has(rider)) this.#read(rider, group);
    }
  }

  #read(rider: Rider, group: Group): void {
    const instance = group.engine?.instance;
    if (instance === undefined) return;
    const { attentionDp } = this.#hooks;
    const count = this.#count++;
    const dpRank = stillWarm(rider.warmed, group)?.dpRank ?? (attentionDp > 1 ? count % attentionDp : null);
    const warmed = { group: group.id, instance, tokens: rider.contextTokens, dpRank };
    let status = 0;
    const over = (outcome: WarmOutcome) => {
      clearTimeout(timer);
      this.#reading.delete(rider);
      this.#hooks.onOutcome(outcome, rider);
      this.#pump();
    };
    const body = warmBody(rider.remaining(), `${rider.id}-warm-${count}`, dpRank);
    const leg = group.open(rider.request.path, JSON.stringify(body), {
      onHead: (code) => {
        status = code;
      },
      onData: () => {},
      onEnd: () => {
        if (status === 200) rider.warmed = warmed;
        else if (status === 400) this.#barred.add(rider);
        else this.#pause();
        over(status === 200 ? "read" : "refused");
      },
      onBreak: (how) => {
        this.#pause();
        if (how !== "refused") this.#barred.add(rider);
        over("broke");
      },
    });
    const letGo = () => {
      clearTimeout(timer);
      leg.abandon();
    };
    const timer = setTimeout(() => {
      leg.abandon();
      this.#pause();
      over("broke");
    }, GIVE_UP_MS);
    timer.unref();
    this.#reading.set(rider, letGo);
  }

  #pause(): void {
    this.#pausedUntilMs = this.#hooks.clock.now() + PAUSE_MS;
  }
}
