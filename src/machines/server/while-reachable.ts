import type { Remote } from "./remote.ts";

/**
 * Waits elsewhere for what a server has to bring about, and no longer than the server is there: one that loses its power is named
 * when its connection ends (12 s), not when the wait runs out.
 *
 * @param wait ends when its signal is aborted
 * @throws what `wait` throws, or the error of the lost connection
 */
export async function whileReachable<Result>(
  remote: Remote,
  wait: (signal: AbortSignal) => Promise<Result>,
  { step, signal }: { step: string; signal?: AbortSignal | undefined },
): Promise<Result> {
  const over = new AbortController();
  const ends = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  // A command that does nothing, and shares the connection: it fails when the connection does.
  const connection = remote.run("exec sleep infinity", { step, signal: ends, timeoutMs: NEVER_MS });
  const waited = wait(ends);
  // The other one ends in its own time, and what it then says is known.
  for (const one of [connection, waited]) one.catch(() => {});
  try {
    return await Promise.race([waited, connection.then(() => waited)]);
  } finally {
    over.abort();
  }
}

/** The longest that a timer takes; the wait has its own limit. */
const NEVER_MS = 2 ** 31 - 1;
