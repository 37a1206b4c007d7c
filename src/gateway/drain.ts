import type { Gateway } from "./gateway.ts";
import type { OpenAnswers } from "./http/open-answers.ts";
import { goingDown } from "./http/refused-request.ts";

/** What clients have to read the last words: the pod's grace is longer than `limits.drainMs` by a little more than that. */
const LAST_WORDS_MS = 5000;

/**
 * The way out of a replica. A client's connection cannot move to the other one, so as long as answers run this replica keeps the
 * address and takes new requests as before: a rollout under light load cuts nobody. When nothing is under way, or at the end of
 * `withinMs`, it gives the address up; what still runs then ends with an error that the client can read, not with a reset.
 */
export async function drain(gateway: Gateway, answers: OpenAnswers, withinMs: number): Promise<void> {
  gateway.leaving = "drains";
  await answers.over(withinMs);
  gateway.leaving = "ends";
  for (const rider of [...gateway.traffic.riders]) rider.refuse(goingDown());
  await answers.over(LAST_WORDS_MS);
}
