import type { Piece } from "./server-evidence.ts";

/** The last line of a kernel log that was known when something was done. The kernel counts its lines itself, from each boot on. */
export interface KernelMark {
  bootId: string;
  sequence: number;
}

/**
 * When a reset was, between the last line of before and the first line of after it. Who made it may be another computer with
 * another clock; the kernel's own count says what came first. Null where nothing of before it was heard: it has cured nothing
 * that is known here.
 *
 * @param toldMs by the clock of who made it
 */
export function resetTime(pieces: readonly Piece[], mark: KernelMark, toldMs: number): number | null {
  let beforeMs = Number.NEGATIVE_INFINITY;
  let afterMs = Number.POSITIVE_INFINITY;
  for (const { evidence, bootId, arrivedMonoMs } of pieces) {
    if (evidence.kind !== "kernel-log" || bootId !== mark.bootId) continue;
    if (evidence.line.sequence <= mark.sequence) beforeMs = Math.max(beforeMs, arrivedMonoMs);
    else afterMs = Math.min(afterMs, arrivedMonoMs);
  }
  if (beforeMs === Number.NEGATIVE_INFINITY) return null;
  if (toldMs > beforeMs && toldMs < afterMs) return toldMs;
  return afterMs === Number.POSITIVE_INFINITY ? beforeMs : (beforeMs + afterMs) / 2;
}

/** The last line that was heard of this boot; null where none was. */
export function lastKernelLine(pieces: readonly Piece[], bootId: string | null): KernelMark | null {
  let sequence = -1;
  for (const { evidence, bootId: of } of pieces)
    if (evidence.kind === "kernel-log" && of === bootId) sequence = Math.max(sequence, evidence.line.sequence);
  return bootId === null || sequence < 0 ? null : { bootId, sequence };
}
