import type { FaultClass } from "../report/rehearsal.ts";

/** From the fault to the next token of a stream, in seconds, with contexts of up to 2,000 tokens and 20 streams. */
export interface Budget {
  p50: number;
  max: number;
}

/** What each failure class may take. The way to a verdict decides: a line of the kernel log is there at once, silence takes time to be one. */
export const BUDGETS: Readonly<Record<FaultClass, Budget>> = {
  "gpu-xid": { p50: 0.3, max: 1 },
  "rank-crash": { p50: 0.3, max: 1 },
  "server-power": { p50: 0.8, max: 1.5 },
  "server-freeze": { p50: 0.8, max: 1.5 },
  "network-cut": { p50: 0.8, max: 1.5 },
  "engine-hang": { p50: 5, max: 8 },
};
