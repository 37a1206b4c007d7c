import { setTimeout as delay } from "node:timers/promises";
import { isPassing } from "./errors.ts";

/**
 * Repeats an idempotent request while its failure is one that passes by itself.
 *
 * @param deadlineMs from now; when it is over the last error is thrown as it was.
 */
export async function retrying<Result>(
  work: () => Promise<Result>,
  options: { deadlineMs: number; signal?: AbortSignal | undefined; onRetry?: (error: unknown) => void },
): Promise<Result> {
  const end = performance.now() + options.deadlineMs;
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
    try {
      return await work();
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isPassing(error) || performance.now() + pauseMs > end) throw error;
      options.onRetry?.(error);
      await delay(pauseMs, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}
