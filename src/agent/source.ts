import type { Evidence } from "../health/evidence.ts";

/** Takes evidence at the moment it is seen. Never throws and never waits. */
export type Emit = (evidence: Evidence) => void;

/** Something that watches one part of the server, from its start to `stop()`. It has no way to fail: it says so instead. */
export interface Source {
  stop(): void;
}
