import { KubeError } from "./errors.ts";
import { retrying } from "./retry.ts";

/** An API server that has just started fills its caches for a second or two; whoever reads waits no longer than this. */
const PATIENCE_MS = 10_000;

/**
 * Reads again while the API server says that it will answer soon (429 `storage is (re)initializing`, 503), as kubectl does, and
 * when it says. For reads alone: a write that waited could be carried out after whoever asked for it has lost the right to ask.
 *
 * @param read one try, which may take so many milliseconds
 * @param timeoutMs of all tries and pauses together
 * @throws what the last try threw, whose words say more than a time-out that is certain to come; the signal's reason, at once
 */
export function patiently<Answer>(
  read: (leftMs: number) => Promise<Answer>,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<Answer> {
  const startMs = performance.now();
  return retrying(() => read(Math.max(1, Math.ceil(timeoutMs - (performance.now() - startMs)))), {
    deadlineMs: Math.min(timeoutMs, PATIENCE_MS),
    signal,
    passes: (error) => error instanceof KubeError && (error.status === 429 || error.status === 503),
    pauseOf: (error) => (error instanceof KubeError ? error.retryAfterMs : null),
  });
}
