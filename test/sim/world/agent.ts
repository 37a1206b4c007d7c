import type { Evidence, GpuSample } from "../../../src/health/evidence.ts";
import type { GpuLogLine } from "../../../src/health/kernel-line.ts";
import { EvidenceLog } from "../../../src/stream/evidence-log.ts";
import type { EvidenceFrame } from "../../../src/stream/frames.ts";
import { soundGpu } from "../../support/gpu-sample.ts";
import type { Rank, SimGroup, SimServer } from "./types.ts";
import type { World } from "./world.ts";

/** Two GPUs stand for eight: nothing that decides counts them. */
const GPUS = 2;
/** SGLang calls itself unhealthy when its own probe had no answer for so long. */
export const UNHEALTHY_AFTER_MS = 20_000;
/** Between two looks at the GPUs. */
const LOOK_MS = 2_000;
const PCI = ["0000:0b:00", "0000:4c:00"] as const;

/** Called with every frame that an agent gives out. */
export type OnFrame = (server: SimServer, frame: EvidenceFrame) => void;

/** The agents of all servers: what they say, when. The log is the real one. */
export class Agents {
  readonly #world: World;
  readonly #onFrame: OnFrame;
  #drawn = 0;

  constructor(world: World, onFrame: OnFrame) {
    this.#world = world;
    this.#onFrame = onFrame;
  }

  start(server: SimServer): void {
    this.#drawn += 1;
    const id = `${server.name}-${this.#drawn}`;
    server.agent = { id, log: new EvidenceLog({ agent: id, capacity: 64, events: 64 }) };
    for (const line of server.lines) this.tell(server, { kind: "kernel-log", line });
    const { rank } = server;
    if (rank !== null) this.rank(server, rank.isStopped ? "stopped" : "running");
    this.launcher(server);
    this.link(server, 0);
    this.tell(server, gpusOf(server));
    const group = rank === null ? undefined : this.#world.groups.get(rank.group);
    if (group !== undefined) this.engine(group);
    this.#world.flowChanged(server);
  }

  stop(server: SimServer): void {
    server.agent = null;
    this.#world.flowChanged(server);
  }

  tell(server: SimServer, evidence: Evidence): void {
    if (server.agent === null || !server.power) return;
    if (server.frozen) return void server.untold.push(evidence);
    const monoMs = this.#world.now - server.bootedMs;
    const frame = server.agent.log.append(evidence, { monoMs, wallMs: 0 });
    this.#onFrame(server, frame);
  }

  rank(server: SimServer, state: "running" | "stopped"): void {
    const { rank } = server;
    if (rank === null) return;
    const { group, pid, startedMs, number } = rank;
    this.tell(server, { kind: "rank", group, rank: number, pid, state, startedMonoMs: startedMs - server.bootedMs });
  }

  /** Of the leader's server: the process that is asked how the engine is. It gets its number from its rank. */
  launcher(server: SimServer): void {
    const { rank } = server;
    if (rank?.number !== 0) return;
    this.tell(server, { kind: "engine-process", group: rank.group, pid: launcherPid(rank), state: "running" });
  }

  line(server: SimServer, line: Pick<GpuLogLine, "kind"> & { kind: "xid"; code: number }): void {
    const sequence = server.lines.length + 1;
    const uptimeUs = (this.#world.now - server.bootedMs) * 1_000;
    const whole: GpuLogLine = { ...line, pci: PCI[0], text: "", sequence, uptimeUs };
    server.lines.push(whole);
    this.tell(server, { kind: "kernel-log", line: whole });
  }

  link(server: SimServer, downCount: number): void {
    const state = server.ib ? "up" : "down";
    const say = (): Evidence => ({ kind: "link", device: "mlx5_0", port: 1, state, downCount, rateGbps: 400 });
    this.tell(server, intern(`link ${state} ${downCount}`, say));
  }

  retell(server: SimServer): void {
    for (const evidence of server.untold.splice(0)) this.tell(server, evidence);
    const { rank } = server;
    if (rank !== null) this.rank(server, rank.isStopped ? "stopped" : "running");
    this.link(server, 0);
    this.lookSoon(server);
  }

  /** At its next look the agent tells what holds the GPUs then. */
  lookSoon(server: SimServer): void {
    const { life } = server;
    this.#world.kernel.after(this.#world.random.between(50, LOOK_MS), () => {
      if (server.life === life) this.tell(server, gpusOf(server));
    });
  }

  /** What the leader's agent reads from the engine. */
  engine(group: SimGroup): void {
    const leader = this.#world.servers.get(group.members[0] ?? "");
    if (leader?.rank?.group !== group.id || leader.rank.start !== group.start) return;
    const isHung = group.state === "hung";
    // It is asked at this very moment, and a sum of times may be a last digit short.
    const isLate = isHung && this.#world.now - group.sinceMs >= UNHEALTHY_AFTER_MS - 1;
    const state = leader.rank.isStopped
      ? "unreachable"
      : isLate
        ? "unhealthy"
        : group.readyMs > this.#world.now
          ? "starting"
          : "serving";
    const load = isHung && this.#world.config.busy ? { running: 3, queued: 1 } : { running: 0, queued: 0 };
    const tokensTotal = Math.floor(group.lastServedMs);
    this.tell(leader, {
      kind: "engine",
      group: group.id,
      instance: `${launcherPid(leader.rank)}`,
      state,
      tokensTotal,
      ...load,
    });
  }
}

export function launcherPid({ pid }: Pick<Rank, "pid">): number {
  return 100_000 + pid;
}

/** A look that shows what the look before has shown is the same object: whoever heard that one learns nothing by it. */
function gpusOf(server: SimServer): Evidence {
  return intern(`gpus ${server.needs} ${server.isHot} ${server.rank?.pid}`, () => lookAt(server));
}

/** What was said in another world, word for word, need not be read anew. */
function intern(key: string, make: () => Evidence): Evidence {
  const known = SAID.get(key);
  if (known !== undefined) return known;
  const evidence = make();
  SAID.set(key, evidence);
  return evidence;
}

/** As many as there are numbers of processes, states of a GPU and counts of one port: a few thousand. */
const SAID = new Map<string, Evidence>();

function lookAt(server: SimServer): Evidence {
  const isLost = server.needs === "failover-reboot";
  const gpus: GpuSample[] = [];
  for (let index = 0; index < (isLost ? GPUS - 1 : GPUS); index += 1) gpus.push(sampleOf(server, index));
  return { kind: "gpus", expected: GPUS, found: gpus.length, gpus };
}

function sampleOf({ rank, isHot, needs }: SimServer, index: number): GpuSample {
  return soundGpu(index, {
    // The driver goes on saying so; the line alone is lost among others of one burst.
    remappedRowsPending: needs === "schedule-reset" && index === 0,
    pci: PCI[index] ?? "",
    temperatureC: isHot ? 93 : 60,
    throttle: isHot && index === 0 ? ["hw_thermal_slowdown"] : [],
    nvlinksActive: null,
    recoveryAction: null,
    processIds: rank === null ? [] : [rank.pid],
  });
}
