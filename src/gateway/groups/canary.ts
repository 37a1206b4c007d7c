import type { WatchClock } from "../watch-clock.ts";
import type { Group } from "./group.ts";

/** An engine that needs longer is asked again; the first question's age is what counts until then. */
const GIVE_UP_MS = 30_000;

/**
 * Asks a group for one token. The answer goes through all ranks, so it proves what `/health` of a hung group only finds out
 * after 20 s. Where the present address does not answer the others of the group are asked: LWS may have put the leader on
 * another server. `onOutcome` is called when something is known, also that nobody will answer any more.
 */
export async function askCanary(group: Group, model: string, clock: WatchClock, onOutcome: () => void): Promise<void> {
  const body = JSON.stringify({ model, prompt: "canary", max_tokens: 1, temperature: 0, ignore_eos: true });
  group.canary.askedMs = clock.now();
  let answer: Answer = "none";
  for (let tried = 0; tried < group.leaders && answer === "none"; tried++) {
    const { url } = group;
    answer = await askLeader(group, body);
    if (answer === "none") group.tryNextLeader(url);
  }
  group.canary.askedMs = null;
  if (answer === "given") group.canary.answeredMs = clock.now();
  if (answer === "none") group.canary.failedMs = clock.now();
  onOutcome();
}

type Answer = "given" | "none" | "moot";

function askLeader(group: Group, body: string): Promise<Answer> {
  return new Promise((resolve) => {
    let status = 0;
    const end = (answer: Answer) => {
      clearTimeout(timer);
      group.leaveCanary = null;
      resolve(answer);
    };
    const leg = group.open("/v1/completions", body, {
      onHead: (code) => {
        status = code;
      },
      onData: () => {},
      // A full queue refuses, and is alive.
      onEnd: () => end(status === 200 || status === 429 || status === 503 ? "given" : "none"),
      onBreak: () => end("none"),
    });
    const leave = (answer: Answer) => {
      leg.abandon();
      end(answer);
    };
    const timer = setTimeout(leave, GIVE_UP_MS, "none");
    timer.unref();
    group.leaveCanary = () => leave("moot");
  });
}
