import type { DrillReport } from "../../../src/report/drill.ts";

/** One drill of `npm run bench drills`. */
export interface Entry {
  report: DrillReport;
  /** Decisions of gateway and reconciler that came out otherwise when they were made again. */
  differences: number;
  decisions: number;
  /** Of our programs, after the drill. */
  memoryMiB: number;
  /** Load average of a minute when it was over: other work on this machine, and the cluster itself. */
  load: number;
  commit: string;
}
