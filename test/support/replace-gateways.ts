import { randomBytes } from "node:crypto";
import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { openStream } from "../../src/drill/client.ts";
import { monotonicMs } from "../../src/drill/clock.ts";
import { isPerfect, judgeStream } from "../../src/drill/judge.ts";
import { modelOf } from "../../src/drill/model-of.ts";
import { planStreams } from "../../src/drill/plan-streams.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import type { GateStack } from "./gate-stack.ts";
import { keepLoad } from "./keep-load.ts";

export interface ReplacedGateways {
  /** Of short streams while the replicas were replaced, and what of them was no whole answer. */
  requests: number;
  failed: string[];
  /** Connections that were made only to ask for the models, one after another, and what became of those without an answer. */
  connections: number;
  refused: string[];
  /** Streams that an old replica went on writing after it was told to end, and how many of all long ones were whole. */
  outlived: number;
  whole: number;
}

const LONG = 4;
const LONG_TOKENS = 900;
const PATIENCE_MS = 200_000;

/** Has the DaemonSet of the gateways make all its pods anew, as a change of it does, while streams run and clients come. */
export async function replaceGateways(
  stack: GateStack,
  plan: ServingPlan,
  way: { baseUrl: string; apiKey: string },
): Promise<ReplacedGateways> {
  const pods = async () => {
    const path = `/api/v1/namespaces/${plan.namespace}/pods`;
    const query = { labelSelector: "app.kubernetes.io/name=gateway" };
    const { items } = await stack.kube().client.json<{ items: LiveObject[] }>({ method: "GET", path, query });
    return items.map(({ metadata }) => ({ name: metadata.name, ends: metadata.deletionTimestamp !== undefined }));
  };
  const old = new Set((await pods()).map(({ name }) => name));
  /** When all old pods have been told to end, or are gone. */
  const until = async (there: (pod: { name: string; ends: boolean }) => boolean): Promise<number> => {
    const end = monotonicMs() + PATIENCE_MS;
    while ((await pods()).some((pod) => old.has(pod.name) && there(pod))) {
      if (monotonicMs() > end) throw new Error(`old gateways are still there: ${JSON.stringify(await pods())}`);
      await delay(100);
    }
    return monotonicMs();
  };
  const enough = new AbortController();
  const load = keepLoad(plan, () => ({ ...way, isThere: () => true }), 8, enough.signal);
  const knocked = knock(way, enough.signal);
  const long = planStreams({
    count: LONG,
    model: modelOf(plan),
    promptTokens: { min: 10, max: 100 },
    answerTokens: { min: LONG_TOKENS, max: LONG_TOKENS },
    run: randomBytes(4).toString("hex"),
    random: Math.random,
  }).map((request) => openStream(request, { ...way, model: plan.model.servedName }));
  try {
    const restart = ["rollout", "restart", "daemonset/gateway", "--namespace", plan.namespace];
    const { exitCode, text } = await stack.withEnv("kubectl", restart);
    if (exitCode !== 0) throw new Error(text);
    const toldAtMs = await until(({ ends }) => !ends);
    await until(() => true);
    enough.abort();
    const records = await Promise.all(long.map(({ ended }) => ended));
    return {
      ...(await load),
      ...(await knocked),
      outlived: records.filter(({ endedAtMs }) => (endedAtMs ?? 0) > toldAtMs).length,
      whole: records.filter((record) => isPerfect(judgeStream(record))).length,
    };
  } finally {
    enough.abort();
    for (const stream of long) stream.leave();
  }
}

/** Connects anew for each question. */
async function knock(
  { baseUrl, apiKey }: { baseUrl: string; apiKey: string },
  signal: AbortSignal,
): Promise<{ connections: number; refused: string[] }> {
  const tally = { connections: 0, refused: [] as string[] };
  while (!signal.aborted) {
    tally.connections += 1;
    const refusal = await new Promise<string | null>((resolve) => {
      get(`${baseUrl}/models`, { agent: false, headers: { authorization: `Bearer ${apiKey}` } }, (response) => {
        response.resume();
        resolve(response.statusCode === 200 ? null : `status ${response.statusCode}`);
      }).on("error", ({ message }) => resolve(message));
    });
    if (refusal !== null) tally.refused.push(refusal);
    await delay(5);
  }
  return tally;
}
