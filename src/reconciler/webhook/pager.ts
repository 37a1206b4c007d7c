import { setTimeout as sleep } from "node:timers/promises";
import { type Delivery, deliver, type Page } from "./deliver.ts";

/** A person is needed, in the words of the decision. */
export type Trouble = Omit<Page, "version" | "action" | "dedupeKey">;

export interface PagerTimes {
  /** A decision that lasts no longer wakes nobody up. */
  holdMs: number;
  /** Other steps come between two decisions of one trouble; so long without it, it is over. */
  overMs: number;
  firstPauseMs: number;
  lastPauseMs: number;
  /** After a refusal: the address or the token is wrong, and somebody may mend it. */
  refusedPauseMs: number;
}

export const PAGER_TIMES: PagerTimes = {
  holdMs: 3_000,
  overMs: 60_000,
  firstPauseMs: 1_000,
  lastPauseMs: 60_000,
  refusedPauseMs: 300_000,
};

export interface PagerOptions {
  /** Holds `url` and, where the other side wants one, `authorization`. */
  folder: string;
  /** Told once for each kind of failure, without the address. */
  onProblem(why: string): void;
  onTold(page: Page): void;
  times?: Partial<PagerTimes>;
}

interface Incident {
  trouble: Trouble;
  firstMs: number;
  lastMs: number;
  isTold: boolean;
  /** A try that failed may have arrived all the same. */
  isTried: boolean;
}

/**
 * Tells a pager when a person is needed, and when no longer: once each, tried until it is taken. Nothing is kept: a replica
 * that takes over tells again, and the other side knows the key.
 */
export class Pager {
  readonly #options: PagerOptions;
  readonly #times: PagerTimes;
  readonly #end = new AbortController();
  readonly #incidents = new Map<string, Incident>();
  #queue: Promise<void> = Promise.resolve();
  #lastProblem = "";

  constructor(options: PagerOptions) {
    this.#options = options;
    this.#times = { ...PAGER_TIMES, ...options.times };
  }

  /** After every decision of the replica that leads: what a person is needed for now, or null. Never waits. */
  see(trouble: Trouble | null, nowMs: number = performance.now()): void {
    const { holdMs, overMs } = this.#times;
    if (trouble !== null) {
      const key = keyOf(trouble);
      const incident = this.#incidents.get(key) ?? {
        trouble,
        firstMs: nowMs,
        lastMs: nowMs,
        isTold: false,
        isTried: false,
      };
      incident.lastMs = nowMs;
      incident.trouble = { ...trouble, since: incident.trouble.since };
      this.#incidents.set(key, incident);
      if (!incident.isTold && nowMs - incident.firstMs >= holdMs) {
        incident.isTold = true;
        this.#tell("trigger", key, incident);
      }
    }
    for (const [key, incident] of this.#incidents) {
      if (nowMs - incident.lastMs < (incident.isTold ? overMs : holdMs)) continue;
      this.#incidents.delete(key);
      if (incident.isTold) this.#tell("resolve", key, incident);
    }
  }

  /** Ends all tries. What was not taken is told by the replica that leads next, if it is still so. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#queue;
  }

  #tell(action: Page["action"], dedupeKey: string, incident: Incident): void {
    const page = (): Page => ({ version: 1, action, dedupeKey, ...incident.trouble });
    // In order: a `resolve` that overtakes its `trigger` would leave an alarm that nobody ends.
    const isWanted = () => (action === "trigger" ? this.#incidents.get(dedupeKey) === incident : incident.isTried);
    const onTry = () => {
      incident.isTried = true;
    };
    this.#queue = this.#queue.then(() => this.#deliver(page, isWanted, onTry));
  }

  async #deliver(page: () => Page, isWanted: () => boolean, onTry: () => void): Promise<void> {
    const { firstPauseMs, lastPauseMs, refusedPauseMs } = this.#times;
    const { signal } = this.#end;
    for (let pauseMs = firstPauseMs; !signal.aborted && isWanted(); pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
      const now = page();
      onTry();
      const delivery: Delivery = await deliver(this.#options.folder, now, signal);
      if (signal.aborted) return;
      if (delivery.kind === "taken") {
        this.#lastProblem = "";
        this.#options.onTold(now);
        return;
      }
      if (delivery.why !== this.#lastProblem) this.#options.onProblem(delivery.why);
      this.#lastProblem = delivery.why;
      await sleep(delivery.kind === "refused" ? refusedPauseMs : pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** One trouble is one key: figures and names in its words change while it lasts. */
function keyOf({ namespace, stack, reason }: Trouble): string {
  return `tandem/${namespace}/${stack}/${reason}`;
}
