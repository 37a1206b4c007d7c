import { onSignals } from "../signals.ts";
import { EXIT, Exit } from "./exit.ts";

/**
 * Aborted by Ctrl-C, by SIGTERM, or when the terminal goes away: what was started ends with this command. The reason is
 * the command's exit code, so that nothing is printed about it; a second signal ends the command at once.
 */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  const off = onSignals(() => {
    controller.abort(new Exit(EXIT.failed));
    off("echoes");
  });
  return controller.signal;
}
