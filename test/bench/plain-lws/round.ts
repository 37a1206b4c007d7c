import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeenRequest } from "../../../src/drill/arena.ts";
import type { CheckedStream } from "../../../src/drill/client.ts";
import { monotonicMs } from "../../../src/drill/clock.ts";
import { ClusterArena } from "../../../src/drill/cluster/cluster-arena.ts";
import { repair } from "../../../src/drill/cluster/repair.ts";
import { modelOf } from "../../../src/drill/model-of.ts";
import { planStreams } from "../../../src/drill/plan-streams.ts";
import type { Engine } from "../../../src/machines/local/engine.ts";
import type { FaultClass } from "../../../src/report/rehearsal.ts";
import type { ComparisonFacts, Place } from "../comparison/facts.ts";
import { openWithin } from "../comparison/open-within.ts";
import { probeAll } from "../comparison/probe-all.ts";
import { ROUND } from "../comparison/round.ts";
import { groupsOf, runningOn, untilServes } from "./groups.ts";
import { NODE_PORT } from "./manifests.ts";
import { PLAIN, risenOn } from "./outcome.ts";
import type { PlainStack } from "./stack.ts";

/** Prompts of the streams; what an engine reads does not matter here. */
const PROMPT_TOKENS = { min: 10, max: 2_000 };
/** A request that went out is on its engine, and counted there, within this. */
const ARRIVES_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 20;
/** Between the last stream's start and the fault, at random: no heartbeat is privileged. */
const BEFORE_MS = { min: 800, max: 1_600 };
/** So long a group that was struck has to serve again, alone and then once more after the repair. */
export const AGAIN_MS = 120_000;
/** New requests go on until Kubernetes has long taken a server that is gone out of the Service (40 to 50 s). */
export const PROBE_FOR_MS = 80_000;

export interface PlainFacts extends ComparisonFacts {
  /** From the fault until the group that was struck served again with nobody's help; null if it did not within AGAIN_MS. */
  aloneSeconds: number | null;
  /** From the repair, where it needed one; null if not within AGAIN_MS. */
  repairedSeconds?: number | null;
}

/** One fault in the middle of streams through the Service, new requests through it after that, and the way back. */
export async function playPlainRound(
  stack: PlainStack,
  engine: Engine,
  fault: FaultClass,
  place: Place,
): Promise<PlainFacts> {
  const { plan } = stack;
  const way = { id: PLAIN.id, baseUrl: `http://${entryOf(stack)}:${NODE_PORT}/v1` };
  const groups = await groupsOf(stack);
  const leaders = groups.map(({ leader }) => leader);
  const streams: CheckedStream[] = [];
  const requests: SeenRequest[] = [];
  try {
    for (const request of plannedStreams(stack)) {
      const before = await countsOn(stack, leaders);
      const options = { baseUrl: way.baseUrl, model: plan.model.servedName, idleTimeoutMs: ROUND.patienceMs };
      streams.push(openWithin(request, options));
      const server = await arrived(stack, leaders, before);
      requests.push({ server, stream: request.name, atMs: monotonicMs() });
    }
    await sleep(BEFORE_MS.min + (BEFORE_MS.max - BEFORE_MS.min) * Math.random());
    const struck = groups.find(({ leader }) => leader === requests[0]?.server);
    const victim = struck?.servers[place === "rank 0" ? 0 : 1];
    if (struck === undefined || victim === undefined) throw new Error("no group has a stream");
    const { atMs, done } = await new ClusterArena(plan, engine).inject(fault, victim, Math.random);
    const alone = untilServesAgain(stack, struck.name, fault, atMs);
    const [probes = []] = await probeAll(plan, [way], { ...ROUND, probeForMs: PROBE_FOR_MS });
    const records = await Promise.all(streams.map(({ ended }) => ended));
    const aloneSeconds = await alone;
    await done;
    return {
      ...{ fault, place, atMs, struck: struck.servers, requests, aloneSeconds },
      ...(await repaired(stack, engine, { fault, victim, group: struck.name, isWell: aloneSeconds !== null })),
      contenders: [{ id: PLAIN.id, streams: records, probes }],
    };
  } finally {
    for (const stream of streams) stream.leave();
  }
}

/** Undoes whatever a round that was ended in its middle has left: every server has power, runs and hangs on its cable. */
export async function healServers({ plan }: PlainStack, engine: Engine): Promise<void> {
  for (const server of Object.keys(plan.spec.servers))
    for (const fault of ["server-power", "server-freeze", "network-cut"] as const)
      await repair(engine, plan.name, server, fault);
}

/** A server that no fault hits: the control plane's, where kube-proxy leads to the leaders as it does everywhere. */
function entryOf({ plan }: PlainStack): string {
  const [first] = Object.values(plan.spec.controlPlane);
  if (first === undefined) throw new Error("the stack has no control plane");
  return first.address;
}

function plannedStreams({ plan }: PlainStack) {
  return planStreams({
    count: ROUND.streams,
    model: modelOf(plan),
    promptTokens: PROMPT_TOKENS,
    answerTokens: ROUND.answerTokens,
    run: randomBytes(3).toString("hex"),
    random: Math.random,
  });
}

/** A leader that does not say is left out: nothing can be concluded from it. */
async function countsOn(stack: PlainStack, leaders: readonly string[]): Promise<Map<string, number>> {
  const said = await Promise.all(leaders.map(async (server) => [server, await runningOn(stack, server)] as const));
  return new Map(said.flatMap(([server, count]) => (count === null ? [] : [[server, count]])));
}

/** Streams are opened one after the other, so that the leader that has one more of them has this one. */
async function arrived(
  stack: PlainStack,
  leaders: readonly string[],
  before: ReadonlyMap<string, number>,
): Promise<string> {
  for (const endMs = performance.now() + ARRIVES_WITHIN_MS; performance.now() < endMs; await sleep(LOOK_EVERY_MS)) {
    const server = risenOn(before, await countsOn(stack, leaders));
    if (server !== null) return server;
  }
  throw new Error("a stream that was opened came to no leader");
}

/** A fault that has not yet been noticed is no recovery: the group must have stopped serving, or been broken for sure. */
async function untilServesAgain(
  stack: PlainStack,
  group: string,
  fault: FaultClass,
  faultAtMs: number,
): Promise<number | null> {
  // A dead rank is told to its group within half a second; the other faults last until they are undone.
  if (fault === "rank-crash") await sleep(1_000);
  const servedMs = await untilServes(stack, group, performance.now() + AGAIN_MS);
  return servedMs === null ? null : (monotonicMs() - (performance.now() - servedMs) - faultAtMs) / 1_000;
}

async function repaired(
  stack: PlainStack,
  engine: Engine,
  { fault, victim, group, isWell }: { fault: FaultClass; victim: string; group: string; isWell: boolean },
): Promise<Pick<PlainFacts, "repairedSeconds">> {
  await repair(engine, stack.plan.name, victim, fault);
  if (isWell || fault === "rank-crash") return {};
  const startMs = performance.now();
  const servedMs = await untilServes(stack, group, startMs + AGAIN_MS);
  return { repairedSeconds: servedMs === null ? null : (servedMs - startMs) / 1_000 };
}
