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
}

export function operations(log: EngineLog): Operations {
  const cancelled = new AbortController();
  return {
    async run(urn, timeoutSeconds, redact, work) {
      // After Ctrl-C the engine may still hand out the steps that it had queued.
      cancelled.signal.throwIfAborted();
      const limits = [cancelled.signal];
      if (timeoutSeconds > 0) limits.push(AbortSignal.timeout(timeoutSeconds * 1000));
      const signal = AbortSignal.any(limits);
      try {
        return await work({
          urn,
          signal,
          progress: (message) => log.status(urn, redact(message)),
          warn: (message) => log.warn(urn, redact(message)),
        });
      } finally {
        await log.flush();
      }
    },
    cancel: () => cancelled.abort(new Error("cancelled by the operator")),
  };
}
