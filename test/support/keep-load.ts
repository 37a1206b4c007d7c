import { randomBytes } from "node:crypto";
import { openStream } from "../../src/drill/client.ts";
import { isPerfect, judgeStream } from "../../src/drill/judge.ts";
import { modelOf } from "../../src/drill/model-of.ts";
import { planStreams } from "../../src/drill/plan-streams.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";

export interface LoadTally {
  requests: number;
  tokens: number;
  /** What was not a whole answer, without those in a killed gateway's hands. */
  failed: string[];
  /** In the hands of a gateway when it was killed. */
  inKilledHands: number;
}

/** A way in, and whether it is one still: what was in a killed gateway's hands is lost with it. */
export interface Door {
  baseUrl: string;
  apiKey: string;
  isThere(): boolean;
}

/** Keeps `streams` checked streams open, each through the door that `door` names for it, until the signal; then lets them end. */
export async function keepLoad(
  plan: ServingPlan,
  door: (turn: number) => Door,
  streams: number,
  signal: AbortSignal,
): Promise<LoadTally> {
  const tally: LoadTally = { requests: 0, tokens: 0, failed: [], inKilledHands: 0 };
  const model = plan.model.servedName;
  const one = async (slot: number): Promise<void> => {
    while (!signal.aborted) {
      const { baseUrl, apiKey, isThere } = door(slot + tally.requests);
      const [request] = planStreams({
        count: 1,
        model: modelOf(plan),
        promptTokens: { min: 10, max: 2000 },
        answerTokens: { min: 60, max: 240 },
        run: randomBytes(4).toString("hex"),
        random: Math.random,
      });
      if (request === undefined) return;
      tally.requests += 1;
      const stream = openStream(request, { baseUrl, apiKey, model, idleTimeoutMs: 30_000 });
      const verdict = judgeStream(await stream.ended);
      tally.tokens += verdict.tokens;
      if (isPerfect(verdict)) continue;
      if (!isThere()) tally.inKilledHands += 1;
      else tally.failed.push(`${verdict.name}: lost ${verdict.lost}; ${verdict.problems.join("; ")}`);
    }
  };
  await Promise.all(Array.from({ length: streams }, (_, slot) => one(slot)));
  return tally;
}
