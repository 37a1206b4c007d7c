import { setTimeout as delay } from "node:timers/promises";
import { isPassing } from "./errors.ts";

/** Before the second try; doubled with each more, up to the second. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2_000;

export interface RetryOptions {
  /** From now; when a pause would go beyond it the last error is thrown as it was. */
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  onRetry?: (error: unknown) => void;
  /** Which failures pass by themselves. */
  passes?: (error: unknown) => boolean;
  /** How long one wants to be left alone; null where it does not say. */
  pauseOf?: (error: unknown) => number | null;
}

/**
 * Repeats an idempotent request while its failure is one that passes by itself.
 *
 * @throws what the last try threw; the signal's reason, at once
 */
export async function retrying<Result>(work: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  const { deadlineMs, signal, onRetry, passes = isPassing, pauseOf = () => null } = options;
  const end = performance.now() + deadlineMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      const waitMs = pauseOf(error) ?? pauseMs;
      if (!passes(error) || performance.now() + waitMs > end) throw error;
      onRetry?.(error);
      await delay(waitMs, undefined, signal ? { signal } : {}).catch((aborted: Error) => {
        throw signal?.reason ?? aborted;
      });
    }
  }
}
