/** What the SDK says of a resource whose own failure the engine has already shown; other properties put themselves before it. */
const ECHO = /(?:^|: )resource \S+ \[[\w:/-]+\] failed to register$/;

/**
 * Lets an update end with the message of the resource that failed. With `--continue-on-error` the SDK rejects the outputs
 * of a failed resource, and each resource that takes one of them as an input fails in the program, with the name of every
 * property on the way and a stack: noise below the one message that says what to do. Such a resource was not made, which
 * the engine knows, and the update fails all the same.
 *
 * To be called when the program begins: the SDK's own handlers are in place by then. Everything else still reaches them.
 */
export function quietDependents(): void {
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    const handlers = process.listeners(event as NodeJS.Signals) as ((...reason: unknown[]) => void)[];
    process.removeAllListeners(event);
    process.on(event, (...reason: unknown[]) => {
      const [error] = reason;
      if (error instanceof Error && ECHO.test(error.message)) return;
      for (const handler of handlers) handler.apply(process, reason);
    });
  }
}
