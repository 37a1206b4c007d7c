import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { modelOf } from "../../../src/drill/model-of.ts";
import { planStreams } from "../../../src/drill/plan-streams.ts";
import type { StreamRecord } from "../../../src/drill/stream-record.ts";
import type { StreamRequest } from "../../../src/drill/stream-request.ts";
import type { ServingPlan } from "../../../src/plan/serving-plan.ts";
import { openWithin } from "./open-within.ts";

/** An entry for clients. */
export interface Way {
  id: string;
  /** An OpenAI base URL, ending in `/v1`. */
  baseUrl: string;
  apiKey?: string;
}

export interface ProbeTiming {
  probeEveryMs: number;
  probeForMs: number;
  /** What is silent for so long is lost. */
  patienceMs: number;
}

const PROMPT_TOKENS = { min: 10, max: 200 };
const ANSWER_TOKENS = { min: 8, max: 12 };

/**
 * Short requests at a steady pace, each with a connection of its own. They go through all ways at the same moment:
 * engines read prompts before they write, and prompts that trickle in would keep them from writing at all.
 */
export async function probeAll(
  plan: ServingPlan,
  ways: readonly Way[],
  { probeEveryMs, probeForMs, patienceMs }: ProbeTiming,
): Promise<StreamRecord[][]> {
  const count = probeForMs / probeEveryMs;
  const all = ways.map((way) => ({ way, requests: probesOf(plan, count), ended: [] as Promise<StreamRecord>[] }));
  const startMs = performance.now();
  for (let at = 0; at < count; at++) {
    await sleep(Math.max(0, startMs + at * probeEveryMs - performance.now()));
    for (const { way, requests, ended } of all) {
      const { baseUrl, apiKey } = way;
      const options = { baseUrl, model: plan.model.servedName, idleTimeoutMs: patienceMs };
      const request = requests[at] as StreamRequest;
      ended.push(openWithin(request, { ...options, ...(apiKey === undefined ? {} : { apiKey }) }).ended);
    }
  }
  return Promise.all(all.map(({ ended }) => Promise.all(ended)));
}

function probesOf(plan: ServingPlan, count: number): StreamRequest[] {
  return planStreams({
    count,
    model: modelOf(plan),
    promptTokens: PROMPT_TOKENS,
    answerTokens: ANSWER_TOKENS,
    run: randomBytes(3).toString("hex"),
    random: Math.random,
  });
}
