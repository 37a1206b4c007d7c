/** The faults that a rehearsal can cause, in the words of the failure classes. */
export const FAULT_CLASSES = [
  "server-power",
  "server-freeze",
  "network-cut",
  "rank-crash",
  "gpu-xid",
  "engine-hang",
] as const;
export type FaultClass = (typeof FAULT_CLASSES)[number];

export function isFaultClass(name: string): name is FaultClass {
  return (FAULT_CLASSES as readonly string[]).includes(name);
}

/** One step from the fault to the next token; seconds after the fault. Null: it did not happen. */
export interface RehearsalPhase {
  phase: "decided" | "continuation accepted" | "next token";
  seconds: number | null;
  /** What the slowest stream may take. */
  budgetSeconds: number | null;
}

/** What happened to the streams, all counts in tokens unless the name says otherwise. */
export interface StreamTally {
  streams: number;
  /** Streams at which nobody can have noticed anything. */
  perfect: number;
  /** Of those, the ones that no engine could have carried on, and that said so. */
  endedClearly: number;
  /** Streams whose request reached another group after the fault. */
  carriedOn: number;
  tokens: number;
  lost: number;
  doubled: number;
  foreign: number;
  mixed: number;
  misplaced: number;
  /** The longest pause of any stream. */
  longestPauseSeconds: number;
  failures: { stream: string; problems: string[] }[];
}

/** One stream that another group took over; seconds after the fault. */
export interface CarriedStream {
  stream: string;
  /** What the new group had to read first: the prompt, and what had been written. */
  contextTokens: number;
  acceptedSeconds: number;
  /** Null: it never went on. */
  nextTokenSeconds: number | null;
}

/** One rehearsal from start to verdict. */
export interface RehearsalReport {
  stack: string;
  model: string;
  layout: string;
  fault: FaultClass;
  victim: string;
  /** The group that served before, and the one that carried on; null where nothing was carried on. */
  from: string;
  to: string | null;
  /** What was done to the victim. */
  what: string;
  /** Why the gateway moved, in its own words. */
  reason: string | null;
  phases: RehearsalPhase[];
  streams: StreamTally;
  carried: CarriedStream[];
  /** Tokens that arrived in each slice of time around the fault. */
  flow: { sliceMs: number; faultSlice: number; tokens: number[] };
  /** The text of one stream around its longest pause; null if no stream was carried on. */
  seam: { before: string[]; after: string[]; pauseSeconds: number } | null;
  /** From the command to the last stream's end. */
  seconds: number;
  passed: boolean;
  /** Why not; empty if it passed. */
  failures: string[];
}
