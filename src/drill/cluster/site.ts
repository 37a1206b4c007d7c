import type { Caused } from "../scenarios/drill-arena.ts";
import type { Cause } from "../scenarios/scenario.ts";

/** Until a local machine has booted and its emulated engine has loaded, with room; the phase has a budget of its own. */
export const LOCAL_PATIENCE_MS = 240_000;

/** The servers of a cluster, as far as a drill lays hands on them. */
export interface Site {
  /** What they are, for the record. */
  readonly servers: string;
  /** How long a server and its engine may take to come back. */
  readonly patienceMs: number;
  /** Why it cannot be done there; null if it can. */
  obstacle(cause: Cause, victim: string): string | null;
  /** Does it. Everything that is not the fault itself is prepared before its time is taken. */
  cause(cause: Cause, victim: string, random: () => number): Promise<Caused>;
  /** Undoes it, also what a drill that was killed has left: nothing but its name and its victim need be known. */
  undo(cause: Cause, victim: string): Promise<void>;
  /** The server that has the gateway's address now; null while none of those named has it. */
  addressHolder(servers: readonly string[], address: string): Promise<string | null>;
  close(): Promise<void>;
}
