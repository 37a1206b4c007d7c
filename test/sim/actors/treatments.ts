import { treat } from "../../../src/health/hear.ts";
import type { ServerEvidence } from "../../../src/health/server-evidence.ts";
import type { ApiState } from "../world/api-server.ts";
import type { SeenRecords } from "./seen-records.ts";

/** The job that resets needs this long; a line of the kernel log during it is of before. */
export const RESET_MS = 5_000;

/** What one reconciler has taken in of each server already: by its recorded time when it began, here. */
export class Told {
  readonly #servers = new Map<
    string,
    { resetsMs: Map<number, number>; stopsMs: Map<number, number>; pieces: number }
  >();

  of(server: string) {
    const known = this.#servers.get(server) ?? { resetsMs: new Map(), stopsMs: new Map(), pieces: -1 };
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
  const tell = (what: "reset" | "planned-stop", recordedMs: number, lastsMs: number, upToMs = DONE) => {
    const began = what === "reset" ? own.resetsMs : own.stopsMs;
    // Another clock may have written a time that is not here yet.
    const beganMs = began.get(recordedMs) ?? Math.min(recordedMs, atMs);
    if (beganMs === DONE) return;
    began.set(recordedMs, beganMs);
    if (atMs < beganMs + lastsMs) return;
    began.set(recordedMs, DONE);
    next = treat(next, { atMs: upToMs === DONE ? beganMs + lastsMs : upToMs, what });
  };
  const reset = record?.lastReset ?? null;
  // A server that is back in service was reset for certain.
  const lastsMs = record?.treated === null ? 0 : RESET_MS;
  if (reset !== null) tell("reset", reset.atMs, lastsMs, lastLineMs(known, reset));
  // Whatever ended before the new start was ended on purpose, however late that was told.
  // While nothing is wanted whatever ends was ended on purpose.
  const isStopped = object?.replicas === 0;
  if (isStopped && own.pieces !== known.pieces.length) {
    own.pieces = known.pieces.length;
    next = treat(next, { atMs, what: "planned-stop" });
  }
  if (group !== null && object?.replicas === 1 && object.stoppedMs !== null)
    tell("planned-stop", records.runMs(group), 0);
  return next;
}

/** When the last line before the reset was read: by the kernel's count, whatever the clocks say. */
function lastLineMs({ pieces }: ServerEvidence, { bootId, line }: { bootId: string | null; line: number }): number {
  let lastMs = DONE;
  for (const piece of pieces) {
    const { evidence } = piece;
    if (evidence.kind !== "kernel-log" || piece.bootId !== bootId || evidence.line.sequence > line) continue;
    lastMs = Math.max(lastMs, piece.arrivedMonoMs);
  }
  return lastMs;
}

const DONE = Number.NEGATIVE_INFINITY;
