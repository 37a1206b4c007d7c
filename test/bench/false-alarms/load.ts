import { randomBytes } from "node:crypto";
import { openStream } from "../../../src/drill/client.ts";
import { isPerfect, judgeStream } from "../../../src/drill/judge.ts";
import { modelOf } from "../../../src/drill/model-of.ts";
import { planStreams } from "../../../src/drill/plan-streams.ts";
import type { GatewayProcess } from "../../../src/drill/world/gateway-process.ts";
import type { World } from "../../../src/drill/world/world.ts";

export interface LoadTally {
  requests: number;
  tokens: number;
  /** What was not a whole answer, without those in a killed gateway's hands. */
  failed: string[];
  /** In the hands of a gateway when it was killed. */
  inKilledHands: number;
}

/** Keeps `streams` checked streams open through a set of gateways that changes, until the signal; then lets them end. */
export async function keepLoad(
  world: World,
  gateways: () => readonly GatewayProcess[],
  streams: number,
  signal: AbortSignal,
): Promise<LoadTally> {
  const tally: LoadTally = { requests: 0, tokens: 0, failed: [], inKilledHands: 0 };
  const one = async (slot: number): Promise<void> => {
    while (!signal.aborted) {
      const alive = gateways();
      const gateway = alive[(slot + tally.requests) % alive.length] as GatewayProcess;
      const [request] = planStreams({
        count: 1,
        model: modelOf(world.plan),
        promptTokens: { min: 10, max: 2000 },
        answerTokens: { min: 60, max: 240 },
        run: randomBytes(4).toString("hex"),
        random: Math.random,
      });
      if (request === undefined) return;
      tally.requests += 1;
      const { baseUrl, apiKey } = gateway;
      const stream = openStream(request, {
        baseUrl,
        apiKey,
        model: world.plan.model.servedName,
        idleTimeoutMs: 30_000,
      });
      const verdict = judgeStream(await stream.ended);
      tally.tokens += verdict.tokens;
      if (isPerfect(verdict)) continue;
      if (!gateways().includes(gateway)) tally.inKilledHands += 1;
      else tally.failed.push(`${verdict.name}: lost ${verdict.lost}; ${verdict.problems.join("; ")}`);
    }
  };
  await Promise.all(Array.from({ length: streams }, (_, slot) => one(slot)));
  return tally;
}
