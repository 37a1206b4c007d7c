import { setTimeout as sleep } from "node:timers/promises";
import type { SeenRequest } from "../../../src/drill/arena.ts";
import { openAll, Watch } from "../../../src/drill/rehearsal.ts";
import type { World } from "../../../src/drill/world/world.ts";
import type { FaultClass } from "../../../src/report/rehearsal.ts";
import { CONTENDERS } from "./contenders.ts";
import type { ComparisonFacts, Place } from "./facts.ts";
import { probeAll, type Way } from "./probe-all.ts";
import type { Programs } from "./programs.ts";
import { ProxyProcess } from "./proxy-process.ts";

export const ROUND = {
  streams: 10,
  /** So that streams outlive the longest detection, see ENGINES. */
  answerTokens: { min: 280, max: 300 },
  /** What is silent for so long is lost: longer than Tandem and any tuned time-out here need. */
  patienceMs: 12_000,
  probeEveryMs: 400,
  probeForMs: 10_000,
} as const;
/**
 * Engines that write 10 to 20 tokens a second and stream with the streams of this comparison, where an H100 pair writes 40:
 * all proxies, clients and cables share the cores of one machine. A step that only reads a prompt stays short.
 */
export const ENGINES = { EMULATOR_DECODE_STEP_MS: "20", EMULATOR_DECODE_TOKENS_PER_SECOND: "500" };
/** Streams write for so long before the fault, at random. */
const BEFORE_MS = { min: 800, max: 1_600 };

/** One fault in the middle of streams through all proxies at once, each fresh, and new requests through each after it. */
export async function playRound(
  world: World,
  programs: Programs,
  fault: FaultClass,
  place: Place,
): Promise<ComparisonFacts> {
  const group = world.groups[0];
  if (group === undefined) throw new Error("the plan has no group");
  const proxies: ProxyProcess[] = [];
  const gateway = await world.startGateway(group.id);
  const requests: SeenRequest[] = [];
  try {
    const ways = await Promise.all(
      CONTENDERS.map(async (contender): Promise<Way> => {
        if (contender.program === "tandem")
          return { id: contender.id, baseUrl: gateway.baseUrl, apiKey: gateway.apiKey };
        const engines = world.groups.map(({ url }) => url) as [string, string];
        const proxy = await ProxyProcess.start(contender, { programs, engines, folder: world.folder });
        proxies.push(proxy);
        await world.network.keep(proxy.pid);
        await proxy.ready(engines.length);
        return { id: contender.id, baseUrl: proxy.baseUrl };
      }),
    );
    world.onRequest = (request) => requests.push(request);
    const watch = new Watch();
    const opened = ways.map((way) => ({ way, streams: streamsThrough(world, way, fault, watch) }));
    await watch.until(() =>
      opened.every(({ streams }) =>
        streams.every(({ record }) => record.pieces.length >= 2 || record.endedAtMs !== null),
      ),
    );
    await sleep(BEFORE_MS.min + (BEFORE_MS.max - BEFORE_MS.min) * Math.random());
    const victim = group.servers[place === "rank 0" ? 0 : 1];
    const { atMs } = await world.inject(fault, victim?.name ?? "", Math.random);
    const probes = await probeAll(world.plan, ways, ROUND);
    const streams = await Promise.all(opened.map(({ streams: all }) => Promise.all(all.map(({ ended }) => ended))));
    return {
      fault,
      place,
      atMs,
      struck: group.servers.map(({ name }) => name),
      requests,
      contenders: ways.map(({ id }, at) => ({ id, streams: streams[at] ?? [], probes: probes[at] ?? [] })),
    };
  } finally {
    world.onRequest = () => {};
    await Promise.all([gateway.stop(), ...proxies.map((proxy) => proxy.stop())]);
    await world.repairGroup(group);
  }
}

function streamsThrough(world: World, way: Way, fault: FaultClass, watch: Watch) {
  const front = { ...way, active: () => "", moves: [] };
  const { streams, answerTokens, patienceMs: idleTimeoutMs } = ROUND;
  return openAll(world, front, { fault, streams, answerTokens, idleTimeoutMs }, watch);
}
