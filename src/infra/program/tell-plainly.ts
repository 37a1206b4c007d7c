import * as pulumi from "@pulumi/pulumi";
import { TandemError } from "../../errors.ts";

/** What the SDK says of a resource whose failure the engine has already shown, after the names of the inputs it was for. */
const ECHO = /(?:^|: )resource \S+ \[[\w:/-]+\] failed to register$/;

/** The SDK's exit code for "the operator knows already" (cmd/run/index.ts). */
const EXPLAINED = 32;

/**
 * Lets an update end with the message of what failed, and nothing below it. With `--continue-on-error` the SDK rejects
 * the outputs of a failed resource, and each resource that takes one of them as an input fails in the program, with the
 * name of every property on the way and a stack. Such a resource was not made, which the engine knows. An error of ours
 * for the operator comes without its stack.
 *
 * To be called when the program begins: the SDK's own handlers are in place by then. Everything else still reaches them.
 */
export function tellPlainly(): void {
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    const handlers = process.listeners(event as NodeJS.Signals) as ((...reason: unknown[]) => void)[];
    process.removeAllListeners(event);
    process.on(event, (...reason: unknown[]) => {
      const [error, ...more] = reason;
      if (error instanceof Error && ECHO.test(error.message)) {
        // Without an error the engine would take what this run did not declare for removed, and delete it.
        process.exitCode = EXPLAINED;
        return;
      }
      const told = error instanceof TandemError ? new pulumi.RunError(error.message) : error;
      for (const handler of handlers) handler.call(process, told, ...more);
    });
  }
}
