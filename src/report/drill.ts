import type { StreamTally } from "./rehearsal.ts";

/** Everything that a drill can let happen, in the order in which `tandem drill list` shows it. */
export const SCENARIO_NAMES = [
  "gpu-xid",
  "gpu-lost",
  "ecc-storm",
  "rank-crash",
  "engine-hang",
  "server-power",
  "server-freeze",
  "network-cut",
  "ib-down",
  "slow-server",
  "standby-fault",
  "double-fault",
  "gateway-kill",
  "switchover",
  "api-server-down",
  "reconciler-kill",
  "bad-release",
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** From the fault on. `redundant again` counts from the moment at which the fault was undone. */
export const PHASE_NAMES = [
  "detected",
  "decided",
  "continuation accepted",
  "next token",
  "old group isolated",
  "fenced",
  "redundant again",
] as const;
export type PhaseName = (typeof PHASE_NAMES)[number];

/** From the fault to what, and how that is seen: shown beside every figure. */
export const PHASE_MEANINGS: Readonly<Record<PhaseName, string>> = {
  detected: "the gateway suspects the group",
  decided: "requests go elsewhere",
  "continuation accepted": "the other group has them all",
  "next token": "the slowest stream goes on",
  "old group isolated": "the reconciler has stopped it",
  fenced: "harmless; from the repair on",
  "redundant again": "failover works; from repair on",
};

export interface DrillPhase {
  phase: PhaseName;
  /** Null: it did not happen. */
  seconds: number | null;
  /** Null: measured, not judged. */
  budgetSeconds: number | null;
}

/** How long one stream had no token, and whether another group carried it on. */
export interface TokenGap {
  stream: string;
  tokens: number;
  longestPauseSeconds: number;
  carriedOn: boolean;
}

/** One moment of the story, in seconds after the fault. */
export interface DrillMoment {
  seconds: number;
  text: string;
  detail?: string;
}

/** One drill from start to verdict; `report.json` of its record. */
export interface DrillReport {
  /** Of this layout; a reader refuses one that it does not know. */
  format: 1;
  /** Name of the record's folder: time of the start and scenario. */
  id: string;
  /** `failover`: a real one, of which no client has counted the tokens. */
  scenario: ScenarioName | "failover";
  arena: "rehearsal" | "cluster";
  stack: string;
  model: string;
  layout: string;
  /** ISO 8601. */
  startedAt: string;
  /** ISO 8601 of the injector's time stamp; missing in records of earlier versions. */
  faultAt?: string;
  seconds: number;
  /** The server, or the gateway, that it happened to; null for a planned move. */
  victim: string | null;
  from: string;
  /** Where traffic went; null where it stayed. */
  to: string | null;
  what: string;
  /** Why the gateway moved, in its own words. */
  reason: string | null;
  phases: DrillPhase[];
  streams: StreamTally;
  gaps: TokenGap[];
  flow: { sliceMs: number; faultSlice: number; tokens: number[] };
  timeline: DrillMoment[];
  versions: Record<string, string>;
  passed: boolean;
  /** Why not, each beginning with the phase or the promise that was broken; empty if it passed. */
  failures: string[];
}

/** A phase that took longer than it may, or did not happen though it must. */
export function phaseFailures(phases: readonly DrillPhase[]): string[] {
  return phases.flatMap(({ phase, seconds, budgetSeconds }) => {
    if (budgetSeconds === null) return [];
    if (seconds === null) return [`${phase}: did not happen`];
    return seconds > budgetSeconds
      ? [`${phase}: ${seconds.toFixed(2)} s, more than ${budgetSeconds.toFixed(2)} s`]
      : [];
  });
}
