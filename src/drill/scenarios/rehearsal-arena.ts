import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setPort } from "../../emulator/gpu/infiniband.ts";
import { xidLine } from "../../emulator/gpu/kernel-log.ts";
import { TandemError } from "../../errors.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import type { Injected, SeenRequest } from "../arena.ts";
import { monotonicMs } from "../clock.ts";
import { gatewayStatus } from "../cluster/gateway-status.ts";
import { LOST_GPU } from "../lost-gpu.ts";
import type { EmulatedServer, Rank } from "../world/emulated-server.ts";
import type { GatewayProcess } from "../world/gateway-process.ts";
import { World, type WorldOptions } from "../world/world.ts";
import type { Caused, DrillArena, Entry, GatewayDecisions, Readiness } from "./drill-arena.ts";
import { gatewayAdmin } from "./gateway-admin.ts";
import { readinessOf } from "./readiness.ts";
import type { Cause } from "./scenario.ts";

/** A fatal error that leaves the GPU listed: an uncontained memory error. */
const FATAL_XID = { xid: 95, detail: "Uncontained ECC error." };
/** Says only that memory wears out; nothing moves for it. */
const WEAR_XID = { xid: 63, detail: "Row remapping event: row remapping pending." };
const STORM_LINES = 100;
const SLOW_FACTOR = 4;
const IB_DEVICE = "mlx5_0";

/** Where its agent looks for InfiniBand cards. */
const sysOf = ({ place }: EmulatedServer) => join(place.folder, "sys");

export interface RehearsalArenaOptions extends WorldOptions {
  /** Two for drills that lose one. */
  replicas?: number;
}

/** The groups and gateways of a plan as processes of this machine. Taking it away takes everything away. */
export class RehearsalArena implements DrillArena {
  readonly kind = "rehearsal";
  readonly world: World;
  /** The first serves as the front. */
  #gateways: { name: string; gateway: GatewayProcess }[] = [];

  private constructor(world: World) {
    this.world = world;
  }

  /** Starts everything; both groups can serve when it resolves. */
  static async start({ replicas = 1, ...options }: RehearsalArenaOptions): Promise<RehearsalArena> {
    const arena = new RehearsalArena(await World.create(options));
    const { world } = arena;
    try {
      await Promise.all(world.groups.map((group) => world.startGroup(group)));
      const active = world.groups[0]?.id ?? "";
      for (let count = 0; count < replicas; count++)
        arena.#gateways.push({ name: `gateway-${count + 1}`, gateway: await world.startGateway(active) });
      return arena;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  get plan(): ServingPlan {
    return this.world.plan;
  }

  get groups(): World["groups"] {
    return this.world.groups;
  }

  set onRequest(listener: (request: SeenRequest) => void) {
    this.world.onRequest = listener;
  }

  get front(): GatewayProcess {
    return (this.#gateways[0] as { gateway: GatewayProcess }).gateway;
  }

  get replicas(): Entry[] {
    return this.#gateways.map(({ name, gateway: { baseUrl, apiKey } }) => ({ name, baseUrl, apiKey }));
  }

  get agents() {
    const token = this.world.agentToken;
    return this.world.servers.map(({ name, place }) => ({
      server: name,
      url: `http://127.0.0.1:${place.reachedAt.agent}`,
      token,
    }));
  }

  async readiness(): Promise<Readiness> {
    return readinessOf(await Promise.all(this.#gateways.map(({ gateway }) => gatewayStatus(gateway.admin))));
  }

  decisions(sinceWallMs: number): Promise<GatewayDecisions> {
    return gatewayAdmin<GatewayDecisions>(this.front.admin, `/decisions?since=${Math.floor(sinceWallMs)}`);
  }

  async versions(): Promise<Record<string, string>> {
    return { node: process.version, engine: "emulated" };
  }

  inject(fault: FaultClass, victim: string, random: () => number): Promise<Injected> {
    return this.world.inject(fault, victim, random);
  }

  async cause(cause: Cause, victim: string, random: () => number): Promise<Caused> {
    if (cause === "gateway-kill") return this.#killGateway(victim);
    if (cause === "switchover") return this.#switchover(victim);
    const injected = await this.#fault(cause, victim, random);
    const server = this.world.server(victim);
    const group = this.groups.find(({ id }) => id === server.place.group);
    return {
      ...injected,
      undo: async () => {
        writeFileSync(server.gpuFaults, "");
        if (cause === "ib-down") setPort(sysOf(server), IB_DEVICE, "up");
        if (cause === "slow-server") await server.order({ fault: "clear" });
        else if (group !== undefined) await this.world.repairGroup(group);
      },
    };
  }

  async #fault(cause: Cause, victim: string, random: () => number): Promise<Injected> {
    const server = this.world.server(victim);
    switch (cause) {
      case "gpu-xid":
        return this.#gpu(server, FATAL_XID, random, () => {});
      case "gpu-lost":
        return this.#gpu(server, LOST_GPU, random, (gpu) => appendFileSync(server.gpuFaults, `${gpu}\tlost\t1\n`));
      case "ecc-storm": {
        for (let line = 0; line < STORM_LINES; line++) server.appendKernelLine(xidLine({ ...WEAR_XID, gpu: 2 }));
        const storm = await this.#gpu(server, FATAL_XID, random, (gpu) => {
          for (let line = 0; line < STORM_LINES; line++) server.appendKernelLine(xidLine({ ...FATAL_XID, gpu }));
        });
        return { ...storm, what: `${STORM_LINES} lines of wear, then ${STORM_LINES} of fatal memory errors` };
      }
      case "ib-down": {
        setPort(sysOf(server), IB_DEVICE, "down");
        const atMs = monotonicMs();
        await server.order({ fault: "hang" });
        return { atMs, what: `port ${IB_DEVICE}/1 went down, and its ranks wait for the others` };
      }
      case "slow-server": {
        const atMs = monotonicMs();
        await server.order({ fault: "slow", factor: SLOW_FACTOR });
        return { atMs, what: `its steps take ${SLOW_FACTOR} times as long` };
      }
      case "rank-crash":
      case "engine-hang":
      case "server-power":
      case "server-freeze":
      case "network-cut":
        return this.world.inject(cause, victim, random);
      default:
        throw new TandemError({
          code: "E_DRILL_ARENA",
          what: `${cause} cannot be rehearsed`,
          why: "it is done to a part that only a cluster has",
          fix: "run it with --stack on a cluster",
        });
    }
  }

  /** A line in the kernel log; the rank of the GPU never finishes its step. */
  async #gpu(
    server: EmulatedServer,
    line: { xid: number; detail: string },
    random: () => number,
    also: (gpu: number) => void,
  ): Promise<Injected> {
    const ranks = await server.ranks();
    const gpu = Math.floor(random() * ranks.length);
    const { rank, pid } = ranks[gpu] as Rank;
    const atMs = server.appendKernelLine(xidLine({ ...line, gpu }));
    also(gpu);
    process.kill(pid, "SIGSTOP");
    return { atMs, what: `XID ${line.xid} on GPU ${gpu}: ${line.detail} Rank ${rank} hangs` };
  }

  async #killGateway(name: string): Promise<Caused> {
    const killed = this.#gateways.find((one) => one.name === name);
    if (killed === undefined) throw new Error(`there is no gateway ${name}`);
    const { active } = await this.readiness();
    const atMs = monotonicMs();
    killed.gateway.child.signal("SIGKILL");
    // Whoever asks for the front from now on is served by the sibling.
    this.#gateways = this.#gateways.filter((one) => one !== killed);
    return {
      atMs,
      what: "its process was killed",
      undo: async () => void this.#gateways.push({ name, gateway: await this.world.startGateway(active ?? "") }),
    };
  }

  /** The word of a reconciler: a fresh epoch names the other group. */
  async #switchover(group: string): Promise<Caused> {
    const { epoch } = await gatewayStatus(this.front.admin);
    const atMs = monotonicMs();
    const word = { active: group, epoch: Math.max(1, epoch) + 1, reason: "drill: switchover" };
    for (const { gateway } of this.#gateways) await gatewayAdmin(gateway.admin, "/role", word);
    return { atMs, what: `epoch ${word.epoch} names group ${group}`, undo: async () => {} };
  }

  /** Ends every process and removes every file. */
  close(): Promise<void> {
    return this.world.close();
  }
}
