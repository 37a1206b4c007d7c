import { readFileSync } from "node:fs";
import type { Logger } from "pino";
import type { GatewayConfig } from "./config.ts";
import { parseApiKeys } from "./config.ts";

type Keys = GatewayConfig["keys"];

/** A mounted Secret is a link that is turned, which no watch of the file notices; Kubernetes itself takes up to a minute. */
const LOOK_EVERY_MS = 2000;

/**
 * Tells the keys of a file whenever it says others, so that a key is given, or taken back, without a restart. A file that cannot
 * be read changes nothing: nobody is locked out by half an edit.
 *
 * @param now what the file said when it was read at the start
 * @returns what ends the looking
 */
export function followApiKeys(
  path: string,
  now: Keys,
  use: (keys: Keys) => void,
  log: Logger,
  lookEveryMs: number = LOOK_EVERY_MS,
): () => void {
  let known = JSON.stringify(now);
  let complaint = "";
  const look = () => {
    try {
      const keys = parseApiKeys(path, readFileSync(path, "utf8"));
      complaint = "";
      const next = JSON.stringify(keys);
      if (next === known) return;
      known = next;
      use(keys);
      log.info({ keys: keys.map(({ name }) => name) }, "API keys renewed");
    } catch (error) {
      const message = (error as Error).message;
      // Once for each mistake, not every two seconds.
      if (message !== complaint)
        log.error({ error: message }, "the file of API keys cannot be used; the old ones stay");
      complaint = message;
    }
  };
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
