import { treat } from "../../../src/health/hear.ts";
import type { ServerEvidence, Treatment } from "../../../src/health/server-evidence.ts";
import type { ApiState } from "../world/api-server.ts";
import type { SeenRecords } from "./seen-records.ts";

/** The job that resets needs this long; a line of the kernel log during it is of before. */
export const RESET_MS = 5_000;
/**
 * What reconcilers did to a server, as its evidence must know it: a planned stop accounts for the exits that it causes, a
 * reset ends what the kernel log said before it. `told` keeps what was taken in already.
 */
export function treatmentsOf(
  known: ServerEvidence,
  state: ApiState,
  records: SeenRecords,
  told: Map<string, number>,
  atMs: number,
): ServerEvidence {
  const { server } = known;
  const record = state.service.servers[server];
  const group = state.nodes[server]?.group ?? null;
  const object = group === null ? undefined : state.groups[group];
  let next = known;
  const tell = (what: Treatment["what"], recordedMs: number, lastsMs: number, upToMs = DONE) => {
    const key = `${server} ${what} ${recordedMs}`;
    // Another clock may have written a time that is not here yet.
    const beganMs = told.get(key) ?? Math.min(recordedMs, atMs);
    if (beganMs === DONE) return;
    told.set(key, beganMs);
    if (atMs < beganMs + lastsMs) return;
    told.set(key, DONE);
    next = treat(next, { atMs: upToMs === DONE ? beganMs + lastsMs : upToMs, what });
  };
  const reset = record?.lastReset ?? null;
  // A server that is back in service was reset for certain.
  const lastsMs = record?.treated === null ? 0 : RESET_MS;
  if (reset !== null) tell("reset", reset.atMs, lastsMs, lastLineMs(known, reset));
  // Whatever ended before the new start was ended on purpose, however late that was told.
  // While nothing is wanted whatever ends was ended on purpose.
  const isStopped = object?.replicas === 0;
  if (isStopped && told.get(`${server} pieces`) !== known.pieces.length) {
    told.set(`${server} pieces`, known.pieces.length);
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
