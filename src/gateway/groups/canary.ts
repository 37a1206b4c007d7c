import type { WatchClock } from "../watch-clock.ts";
import type { Group } from "./group.ts";

/** An engine that needs longer is asked again; the first question's age is what counts until then. */
const GIVE_UP_MS = 30_000;

/**
 * Asks a group for one token. The answer goes through all ranks, so it proves what `/health` of a hung group only finds out
 * after 20 s. Where the present address does not answer the others of the group are asked: LWS may have put the leader on
 * another server. `onOutcome` is called when something is known.
 */
export async function askCanary(group: Group, model: string, clock: WatchClock, onOutcome: () => void): Promise<void> {
  const body = JSON.stringify({ model, prompt: "canary", max_tokens: 1, temperature: 0, ignore_eos: true });
  group.canary.askedMs = clock.now();
  let answered = false;
  for (let tried = 0; tried < group.leaders && !answered; tried++) {
    const { url } = group;
    answered = await askLeader(group, body);
    if (!answered) group.tryNextLeader(url);
  }
  group.canary.askedMs = null;
  if (answered) group.canary.answeredMs = clock.now();
  else group.canary.failedMs = clock.now();
  onOutcome();
}

function askLeader(group: Group, body: string): Promise<boolean> {
  return new Promise((resolve) => {
    let status = 0;
    const end = (answered: boolean) => {
      clearTimeout(timer);
      resolve(answered);
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
  });
}
