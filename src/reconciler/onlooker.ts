import type { Verdicts } from "./observe/knowledge.ts";

/** While everybody is well: what it will need to go on is in the cluster, and news end the wait. */
const CALM_MS = 5_000;
const TICK_MS = 1_000;

/** How long a replica that does not lead may rest. It is never late: it works out what it will need only if it comes to lead. */
export class Onlooker {
  /** The last word that was more than a routine. */
  #newsMs = Number.NEGATIVE_INFINITY;

  /** Something was heard; whether that ends a long rest. */
  hear(nowMs: number): boolean {
    const isFirst = nowMs - this.#newsMs > TICK_MS;
    this.#newsMs = nowMs;
    return isFirst;
  }

  /** Milliseconds until the next look, by the verdicts of the last one. */
  restMs({ servers, groups }: Verdicts, nowMs: number): number {
    const isWell = [...servers.values(), ...groups.values()].every(({ state }) => state === "healthy");
    return isWell && nowMs - this.#newsMs > TICK_MS ? CALM_MS : TICK_MS;
  }
}
