import type { Cost } from "./cost.ts";
import type { Outcome } from "./score.ts";

/** Everything that a run of the comparison found. */
export interface ComparisonResult {
  /** `2026-11-28` */
  date: string;
  commit: string;
  versions: Record<string, string>;
  machine: { cpus: number; model: string; kernel: string };
  /** Load averages of a minute, at the beginning and at the end; the comparison itself is in the second. */
  load: [number, number];
  /** Somebody saw to it that no other cluster or benchmark ran beside it. */
  alone: boolean;
  runs: number;
  outcomes: Outcome[];
  costs: {
    /** At the beginning. */
    load: number;
    /** Everything that was measured ran before whatever else ran (SCHED_RR or SCHED_FIFO). */
    realTime: boolean;
    rows: Cost[];
  };
}
