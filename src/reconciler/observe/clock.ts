/** One moment on both clocks of this process. Records in the cluster are in wall time, decisions in monotonic time. */
export interface Moment {
  monoMs: number;
  wallMs: number;
}

export function now(): Moment {
  return { monoMs: performance.now(), wallMs: Date.now() };
}

/** When something that was recorded in wall time happened, on the monotonic clock. */
export function monotonicOf({ monoMs, wallMs }: Moment, recorded: string): number {
  return monoMs - (wallMs - Date.parse(recorded));
}

export function recordedAt({ monoMs, wallMs }: Moment, atMs: number): string {
  return new Date(wallMs - (monoMs - atMs)).toISOString();
}
