import { setTimeout as delay } from "node:timers/promises";
import { KubeError } from "./errors.ts";

/** An API server that has just started fills its caches for a second or two; whoever reads waits no longer than this. */
const PATIENCE_MS = 10_000;
/** Where the server does not say when to come again; doubled with each try. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2_000;

/**
 * Reads again while the API server says that it will answer soon (429 `storage is (re)initializing`, 503), as kubectl does.
 * For reads alone: a write that waited could be carried out after whoever asked for it has lost the right to ask.
 *
 * @param read one try, which may take so many milliseconds
 * @param timeoutMs of all tries and pauses together
 * @throws what the last try threw; the signal's reason, at once
 */
export async function patiently<Answer>(
  read: (leftMs: number) => Promise<Answer>,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<Answer> {
  const startMs = performance.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
    const goneMs = performance.now() - startMs;
    try {
      return await read(Math.max(1, Math.ceil(timeoutMs - goneMs)));
    } catch (error) {
      if (!(error instanceof KubeError) || (error.status !== 429 && error.status !== 503)) throw error;
      const waitMs = error.retryAfterMs ?? pauseMs;
      // The server's own words say more than a time-out that is certain to come.
      if (performance.now() - startMs + waitMs >= Math.min(timeoutMs, PATIENCE_MS)) throw error;
      await delay(waitMs, undefined, signal ? { signal } : {}).catch((aborted: Error) => {
        throw signal?.reason ?? aborted;
      });
    }
  }
}
