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
  /** Held while it ran: that nothing heavy of ours ran beside it. */
  alone: boolean;
  runs: number;
  outcomes: Outcome[];
  costs: Cost[];
}
