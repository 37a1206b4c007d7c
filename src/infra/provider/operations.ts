import type { EngineLog } from "./engine-log.ts";
import type { Operation } from "./resource-type.ts";

/** Every operation in flight, and the one switch that ends them all. */
export interface Operations {
  /**
   * Runs one operation.
   *
   * @param timeoutSeconds the resource's own limit (`customTimeouts`); 0 is none.
   * @param redact is applied to every line before it leaves the process.
   */
  run<Result>(
    urn: string,
    timeoutSeconds: number,
    redact: (text: string) => string,
    work: (operation: Operation) => Promise<Result>,
  ): Promise<Result>;
  cancel(): void;
  /** Resolves when nothing runs any more. */
  settled(): Promise<void>;
}

export function operations(log: EngineLog): Operations {
  const cancelled = new AbortController();
  const active = new Set<Promise<unknown>>();
  const start = async <Result>(
    limits: AbortSignal[],
    urn: string,
    redact: (text: string) => string,
    work: (operation: Operation) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await work({
        urn,
        signal: AbortSignal.any(limits),
        progress: (message) => log.status(urn, redact(message)),
        warn: (message) => log.warn(urn, redact(message)),
      });
    } finally {
      await log.flush();
    }
  };
  return {
    async run(urn, timeoutSeconds, redact, work) {
      // After Ctrl-C the engine may still hand out the steps that it had queued.
      cancelled.signal.throwIfAborted();
      const limits = [cancelled.signal];
      if (timeoutSeconds > 0) limits.push(AbortSignal.timeout(timeoutSeconds * 1000));
      const running = start(limits, urn, redact, work);
      active.add(running);
      return running.finally(() => active.delete(running));
    },
    cancel: () => cancelled.abort(new Error("cancelled by the operator")),
    settled: async () => {
      await Promise.allSettled(active);
    },
  };
}
