import type { Clock } from "../stream/server.ts";

/**
 * Milliseconds since this server booted, the clock of the kernel log as well, so that the age of a line can be told.
 * (A computer that slept has the log's clock ahead; GPU servers do not sleep.)
 */
export const systemClock: Clock = {
  monoMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  wallMs: () => Date.now(),
};
