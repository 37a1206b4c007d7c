import type { WatchClock } from "../watch-clock.ts";
import type { Group } from "./group.ts";

/** An engine that needs longer is asked again; the first question's age is what counts until then. */
const GIVE_UP_MS = 30_000;

/**
 * Asks a group for one token. The answer goes through all ranks, so it proves what `/health` of a hung group only finds out
 * after 20 s. `onOutcome` is called when something is known.
 */
export function askCanary(group: Group, model: string, clock: WatchClock, onOutcome: () => void): void {
  const body = JSON.stringify({ model, prompt: "canary", max_tokens: 1, temperature: 0, ignore_eos: true });
  group.canary.askedMs = clock.now();
  const triedUrl = group.url;
  let status = 0;
  const end = (answered: boolean) => {
    clearTimeout(timer);
    group.canary.askedMs = null;
    if (answered) group.canary.answeredMs = clock.now();
    else {
      group.canary.failedMs = clock.now();
      if (group.leaders > 1 && group.url === triedUrl) group.tryNextLeader();
    }
    onOutcome();
  };
  const leg = group.open("/v1/completions", body, {
    onHead: (code) => {
      status = code;
    },
    onData: () => {},
    // A full queue refuses, and is alive.
    onEnd: () => end(status === 200 || status === 429 || status === 503),
    onBreak: () => end(false),
  });
  const timer = setTimeout(() => {
    leg.abandon();
    end(false);
  }, GIVE_UP_MS);
  timer.unref();
}
