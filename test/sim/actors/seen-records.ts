import { FirstSeen, type Seen } from "../../../src/reconciler/observe/first-seen.ts";
import type { ApiState, ServerRecord } from "../world/api-server.ts";

/** The real reconciler looks at the cluster so often, also one that does not lead. */
const TICK_MS = 1_000;

/** What another replica has recorded by its clock, as one replica's own clock has it. All times on the own clock. */
export class SeenRecords {
  readonly #firstRuns = new FirstSeen();
  readonly #firstIsolations = new FirstSeen();
  readonly #firstTreatments = new FirstSeen();
  readonly #firstPowerOffs = new FirstSeen();
  readonly #runs = new Map<string, Seen>();
  readonly #isolations = new Map<string, Seen>();
  readonly #treatments = new Map<string, Seen>();
  readonly #powerOffs = new Map<string, Seen>();
  /** The last state that was seen, and until when it is known to have been so. */
  #last: { state: ApiState; readMs: number } | null = null;

  /** `state` was so at `readMs`. */
  look(state: ApiState, readMs: number, nowMs: number): void {
    const last = this.#last;
    this.#last = { state, readMs };
    if (last !== null) {
      if (hasSame(last.state, state)) return;
      // It was the same until then.
      this.#see(last.state, last.readMs, nowMs);
    }
    this.#see(state, readMs, nowMs);
  }

  #see(state: ApiState, readMs: number, nowMs: number): void {
    for (const [id, { changedMs }] of Object.entries(state.groups))
      this.#keep(this.#runs, id, this.#firstRuns.see(id, changedMs, { recordedMs: changedMs, readMs, nowMs }));
    const keep = (all: Map<string, Seen>, first: FirstSeen, name: string, sinceMs: number | null) =>
      this.#keep(all, name, first.see(name, sinceMs, { recordedMs: sinceMs ?? 0, readMs, nowMs }));
    for (const name in state.service.servers) {
      const { quarantine, treated, lastReset, powerOffAskedMs } = state.service.servers[name] as ServerRecord;
      keep(this.#isolations, this.#firstIsolations, name, quarantine?.sinceMs ?? null);
      keep(this.#treatments, this.#firstTreatments, name, treated?.atMs ?? lastReset?.atMs ?? null);
      keep(this.#powerOffs, this.#firstPowerOffs, name, powerOffAskedMs);
    }
  }

  /** Its watch tells of `state`; it has looked once a second until then, unless it stood still. */
  told(state: ApiState, readMs: number, nowMs: number, stoodStill: boolean): void {
    const last = this.#last;
    if (last !== null && hasSame(last.state, state)) return;
    if (last !== null && !stoodStill) this.look(last.state, Math.max(last.readMs, readMs - TICK_MS), nowMs);
    this.look(state, readMs, nowMs);
  }

  runMs(group: string): number {
    return this.#runs.get(group)?.atMs ?? 0;
  }

  isolated(server: string): Seen | undefined {
    return this.#isolations.get(server);
  }

  /** The last thing that was done to it, also where it is in service again. */
  treatedMs(server: string): number {
    return this.#treatments.get(server)?.atMs ?? 0;
  }

  powerOffMs(server: string): number | null {
    return this.#powerOffs.get(server)?.atMs ?? null;
  }

  #keep(all: Map<string, Seen>, of: string, seen: Seen | null): void {
    if (seen === null) all.delete(of);
    else all.set(of, seen);
  }
}

/** A write makes anew what it changes, and nothing else. */
function hasSame(a: ApiState, b: ApiState): boolean {
  return a.groups === b.groups && a.service.servers === b.service.servers;
}
