/**
 * Milliseconds of the machine's monotonic clock. All processes of one machine read the same one, so that a time taken by
 * an injector and a time taken by a client may be subtracted.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
