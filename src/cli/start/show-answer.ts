import { setTimeout as delay } from "node:timers/promises";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { streamChat } from "../stream-chat.ts";

export interface Endpoint {
  /** An OpenAI base URL, ending in `/v1`. */
  baseUrl: string;
  apiKey: string | undefined;
}

/** How long a new entry may take to answer its first request: its own probes come every two seconds. */
const FIRST_ANSWER_MS = 30_000;

/** Sends one prompt through the cluster and prints the answer as it comes; returns the milliseconds to the first token. */
export async function showAnswer(
  plan: ServingPlan,
  { baseUrl, apiKey }: Endpoint,
  {
    prompt,
    maxTokens,
    write,
    signal,
  }: { prompt: string; maxTokens: number; write: (text: string) => void; signal: AbortSignal },
): Promise<number> {
  await answering(baseUrl, apiKey, signal);
  const began = performance.now();
  let firstMs = Number.NaN;
  const request = { baseUrl, apiKey, model: plan.model.servedName, prompt, maxTokens, signal };
  for await (const { content, reasoning } of streamChat(request)) {
    if (Number.isNaN(firstMs) && (content || reasoning)) firstMs = performance.now() - began;
    write(reasoning || content);
  }
  write("\n");
  return firstMs;
}

/** Waits until the entry answers at all: its pods are ready a moment before the address has moved to them. */
async function answering(baseUrl: string, apiKey: string | undefined, signal: AbortSignal): Promise<void> {
  const end = performance.now() + FIRST_ANSWER_MS;
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  for (;;) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(2_000)]);
    const answer = await fetch(`${baseUrl}/models`, { headers, signal: limit }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok || performance.now() > end) return;
    await delay(200, undefined, { signal });
  }
}
