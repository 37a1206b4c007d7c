import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { openStream } from "../client.ts";
import { modelOf } from "../model-of.ts";
import { planStreams } from "../plan-streams.ts";
import type { StreamRecord } from "../stream-record.ts";
import type { DrillArena, Entry } from "./drill-arena.ts";

/** New requests after the fault: a client that comes then must be served as well. */
const COUNT = 5;
const ANSWER_TOKENS = { min: 20, max: 40 };
const PROMPT_TOKENS = { min: 10, max: 500 };
/** How often somebody who was let down tries again, and for how long. */
const RETRY_MS = 100;
const GIVE_UP_MS = 20_000;

/** Sends new requests, each again and again until one is served. Resolves with the tries that were, or with the last ones. */
export async function probe(arena: DrillArena, entry: Entry, signal?: AbortSignal): Promise<StreamRecord[]> {
  const requests = planStreams({
    count: COUNT,
    model: modelOf(arena.plan),
    promptTokens: PROMPT_TOKENS,
    answerTokens: ANSWER_TOKENS,
    run: randomBytes(3).toString("hex"),
    random: Math.random,
  });
  const { baseUrl, apiKey } = entry;
  const endMs = performance.now() + GIVE_UP_MS;
  return Promise.all(
    requests.map(async (request) => {
      for (;;) {
        const options = { baseUrl, model: arena.plan.model.servedName, idleTimeoutMs: 2_000 };
        const record = await openStream(request, { ...options, ...(apiKey === undefined ? {} : { apiKey }) }).ended;
        if (record.pieces.length > 0 || performance.now() > endMs || signal?.aborted) return record;
        await sleep(RETRY_MS);
      }
    }),
  );
}
