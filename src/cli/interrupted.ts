import { EXIT, Exit } from "./exit.ts";

/**
 * Aborted by Ctrl-C, by SIGTERM, or when the terminal goes away: what was started ends with this command. The reason is
 * the command's exit code, so that nothing is printed about it; a second signal ends the command at once.
 */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => controller.abort(new Exit(EXIT.failed)));
  return controller.signal;
}
