import type { Verdict } from "../../failover/readiness/facts.ts";
import {
  justMoved,
  type Ladder,
  noTakeover,
  noted,
  type RungName,
  sameTakeover,
  takeoverOf,
} from "../../failover/readiness/ladder.ts";
import type { TakeoverStatus } from "../../manifests/model-service/resource.ts";

/** The ladder of the group that stands by, and what was last told of it: the same is never told twice. */
export class ToldLadder {
  /** Null while no group stands by. */
  standby: string | null = null;
  readonly #onChange: (status: TakeoverStatus) => void;
  #ladder: Ladder = {};
  #status: TakeoverStatus = noTakeover("nothing is known yet");

  constructor(onChange: (status: TakeoverStatus) => void) {
    this.#onChange = onChange;
  }

  /**
   * The answer now, with the times at which each rung was last proved. What was proved of `active`, the group that has got the
   * traffic since the last look, says nothing of the one that stands by now.
   */
  latest(active?: string): TakeoverStatus {
    if (active !== undefined && active === this.standby) return justMoved(active);
    return this.standby === null ? this.#status : takeoverOf(this.#ladder, this.standby, Date.now());
  }

  /** The same for one group, in a sentence: only the group that stands by can be ready. */
  of(group: string): { ready: boolean; reason: string } {
    if (group !== this.standby) {
      const who = this.standby === null ? "no group" : `group ${this.standby}`;
      return { ready: false, reason: `not proved: ${who} stands by` };
    }
    const { ready, reasons } = this.latest();
    return { ready, reason: ready ? "every rung is proved" : reasons.join("; ") };
  }

  note(verdicts: readonly [RungName, Verdict][]): void {
    const atMs = Date.now();
    for (const [name, verdict] of verdicts) this.#ladder = noted(this.#ladder, name, verdict, atMs);
  }

  /** All proofs are void. */
  clear(reason: string): void {
    this.#ladder = {};
    if (this.standby !== null) this.tell(noTakeover(`group ${this.standby} is proved anew: ${reason}`));
  }

  tell(status = this.latest()): void {
    const same = sameTakeover(status, this.#status);
    this.#status = status;
    if (!same) this.#onChange(status);
  }
}
