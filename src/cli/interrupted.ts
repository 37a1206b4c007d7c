import { EXIT, Exit } from "./exit.ts";

/** One Ctrl-C comes twice: from the terminal, and from the launcher, which had it from the terminal as well. */
const ECHO_MS = 1_000;

/**
 * Aborted by Ctrl-C, by SIGTERM, or when the terminal goes away: what was started ends with this command. The reason is
 * the command's exit code, so that nothing is printed about it; a second signal ends the command at once.
 */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const heard = () => {
      controller.abort(new Exit(EXIT.failed));
      setTimeout(() => process.off(signal, heard), ECHO_MS).unref();
    };
    process.on(signal, heard);
  }
  return controller.signal;
}
