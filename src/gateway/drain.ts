import { once } from "node:events";
import type { Server } from "node:http";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { Gateway } from "./gateway.ts";
import type { OpenAnswers } from "./http/open-answers.ts";
import { goingDown } from "./http/refused-request.ts";

/** What clients have to read the last words: the pod's grace is longer than `limits.drainMs` by a little more than that. */
const LAST_WORDS_MS = 5000;
const LET_GO_EVERY_MS = 1000;
/** As long as a replica waits for the head of a request. */
export const ASKED_WITHIN_MS = 10_000;

/**
 * The way out of a replica. A client's connection cannot move to the other one, so as long as answers run this replica keeps the
 * address and takes new requests as before: a rollout under light load cuts nobody. When nothing is under way, or at the end of
 * `withinMs`, it gives the address up; what still runs then ends with an error that the client can read, not with a reset.
 */
export async function drain(gateway: Gateway, answers: OpenAnswers, withinMs: number): Promise<void> {
  gateway.leaving = "drains";
  await answers.over(withinMs);
  await endWhatRuns(gateway, answers);
}

/**
 * The way out of a replica whose successor serves the same port of this server already: it takes no new connection, and what it
 * has in hand goes on to its end, however long the address is there for others.
 */
export async function handOver(
  gateway: Gateway,
  answers: OpenAnswers,
  clients: Server,
  withinMs: number,
): Promise<void> {
  gateway.leaving = "handed over";
  const over = new AbortController();
  const { signal } = over;
  const after = (ms: number) => setTimeout(ms, undefined, { signal }).catch(() => {});
  const closed = once(clients, "close", { signal }).catch(() => {});
  // Right after the event loop has taken all that had connected: the kernel resets what it finds waiting, unless it is told to
  // give it to the successor (net.ipv4.tcp_migrate_req, set on prepared servers).
  await setImmediate();
  clients.close();
  // A connection whose answer has ended is of no use to its client any more: the next request belongs to the successor.
  const idle = setInterval(() => clients.closeIdleConnections(), LET_GO_EVERY_MS);
  try {
    // Who connected a moment ago may not have asked yet.
    await Promise.race([closed, after(ASKED_WITHIN_MS)]);
    await Promise.race([closed, answers.over(withinMs)]);
  } finally {
    clearInterval(idle);
    over.abort();
  }
  await endWhatRuns(gateway, answers);
}

async function endWhatRuns(gateway: Gateway, answers: OpenAnswers): Promise<void> {
  gateway.leaving = "ends";
  for (const rider of [...gateway.traffic.riders]) rider.refuse(goingDown());
  await answers.over(LAST_WORDS_MS);
}
