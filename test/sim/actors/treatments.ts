import { treat } from "../../../src/health/hear.ts";
import { resetTime } from "../../../src/health/reset-time.ts";
import type { ServerEvidence } from "../../../src/health/server-evidence.ts";
import type { ApiState } from "../world/api-server.ts";
import type { SeenRecords } from "./seen-records.ts";

/** The job that resets needs this long; a line of the kernel log during it is of before. */
export const RESET_MS = 5_000;

/** What one reconciler has taken in of one server already. */
interface Own {
  /** Of each reset, by its recorded time: when it was, as far as the lines that were heard tell. */
  resetsMs: Map<number, number>;
  stopMs: number | null;
  pieces: ServerEvidence["pieces"] | null;
}

export class Told {
  readonly #servers = new Map<string, Own>();

  of(server: string): Own {
    const known = this.#servers.get(server) ?? { resetsMs: new Map(), stopMs: null, pieces: null };
    this.#servers.set(server, known);
    return known;
  }
}

/**
 * What reconcilers did to a server, as its evidence must know it: a planned stop accounts for the exits that it causes, a
 * reset ends what the kernel log said before it. `told` keeps what was taken in already.
 */
export function treatmentsOf(
  known: ServerEvidence,
  state: ApiState,
  records: SeenRecords,
  told: Told,
  atMs: number,
): ServerEvidence {
  const { server } = known;
  const record = state.service.servers[server];
  const group = state.nodes[server]?.group ?? null;
  const object = group === null ? undefined : state.groups[group];
  let next = known;
  const own = told.of(server);
  const reset = record?.lastReset ?? null;
  if (reset !== null) {
    const beganMs = records.treatedMs(server);
    // A server that is back in service was reset for certain.
    const isDone = record?.treated === null || atMs >= beganMs + RESET_MS;
    const mark = { bootId: reset.bootId ?? "", sequence: reset.line };
    const resetMs = isDone ? resetTime(known.pieces, mark, beganMs) : null;
    if (resetMs !== null && own.resetsMs.get(reset.atMs) !== resetMs) {
      own.resetsMs.set(reset.atMs, resetMs);
      next = treat(next, { atMs: resetMs, what: "reset" });
    }
  }
  // Whatever ended before the new start was ended on purpose, however late that was told.
  // While nothing is wanted, and on a server of no group, whatever ends was ended on purpose.
  const isStopped = object === undefined || object.replicas === 0;
  if (isStopped && own.pieces !== known.pieces) {
    own.pieces = known.pieces;
    // The latest says all that those before it said.
    const others = next.treatments.filter(({ what }) => what !== "planned-stop");
    next = treat({ ...next, treatments: others }, { atMs, what: "planned-stop" });
  }
  if (group !== null && object?.replicas === 1 && object.stoppedMs !== null) {
    const runMs = records.runMs(group);
    // Nothing else: a late watch may have shown it stopped, or without a group, for longer than it was.
    const isTold = next.treatments.every(({ what, atMs: stopMs }) => what !== "planned-stop" || stopMs === runMs);
    if (runMs <= atMs && !(isTold && own.stopMs === runMs)) {
      own.stopMs = runMs;
      const others = next.treatments.filter(({ what }) => what !== "planned-stop");
      next = treat({ ...next, treatments: others }, { atMs: runMs, what: "planned-stop" });
    }
  }
  return next;
}
