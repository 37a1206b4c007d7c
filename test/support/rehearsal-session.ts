import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../../src/drill/clock.ts";
import { type RoundOptions, rehearseFault } from "../../src/drill/rehearsal.ts";
import type { GatewayProcess } from "../../src/drill/world/gateway-process.ts";
import { World } from "../../src/drill/world/world.ts";
import { DEFAULT_TIMING } from "../../src/failover/choose/timing.ts";
import { planServing } from "../../src/plan/plan-serving.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import type { FaultClass, RehearsalReport } from "../../src/report/rehearsal.ts";
import { parseSpec } from "../../src/spec/parse.ts";

/**
 * No fact tells of these, and neither a server nor a real engine is back so soon: a group that answered again would have been
 * left for nothing, and would have to rest for ten minutes of rounds. An emulated engine answers 3.5 s after the move, or sooner.
 */
const SILENT: readonly FaultClass[] = ["server-power", "server-freeze", "network-cut", "engine-hang"];
const NOT_BACK_MS = DEFAULT_TIMING.confirmMoveMs + 500;

/** The local stack with another model: what kinds of streams there are depends on it. */
export function localPlan(preset: string): ServingPlan {
  const text = readFileSync("stacks/local.yaml", "utf8").replaceAll("deepseek-v3", preset);
  const parsed = parseSpec(text, "local.yaml");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const planned = planServing(parsed.spec);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return planned.plan;
}

/** One world for many faults: each is repaired, and the group that took over serves on. */
export class RehearsalSession {
  readonly world: World;
  readonly #oneGateway: boolean;
  #gateway: GatewayProcess | null = null;
  #active: string;

  private constructor(world: World, oneGateway: boolean) {
    this.world = world;
    this.#oneGateway = oneGateway;
    this.#active = world.groups[0]?.id ?? "";
  }

  /** @param oneGateway for all rounds, as in a cluster: it remembers earlier faults and its moves */
  static async start(preset: string, { oneGateway = false } = {}): Promise<RehearsalSession> {
    const world = await World.create({ plan: localPlan(preset) });
    try {
      await Promise.all(world.groups.map((group) => world.startGroup(group)));
    } catch (error) {
      await world.close();
      throw error;
    }
    return new RehearsalSession(world, oneGateway);
  }

  /** The group that serves. */
  get active(): string {
    return this.#active;
  }

  /** The one for all rounds, if there is one. */
  get gateway(): GatewayProcess | null {
    return this.#gateway;
  }

  /** One fault and the repair, with a gateway that knows of no earlier fault unless it is one for all. */
  async round(options: RoundOptions): Promise<RehearsalReport> {
    await this.#gateway?.ready();
    const gateway = this.#gateway ?? (await this.world.startGateway(this.#active));
    if (this.#oneGateway) this.#gateway = gateway;
    try {
      const report = await rehearseFault(this.world, gateway, options);
      this.#active = gateway.active();
      const movedMs = gateway.moves.at(-1)?.atMs ?? 0;
      if (this.#oneGateway && SILENT.includes(options.fault))
        await sleep(Math.max(0, movedMs + NOT_BACK_MS - monotonicMs()));
      return report;
    } finally {
      if (!this.#oneGateway) await gateway.stop();
      for (const group of this.world.groups) if (group.id !== this.#active) await this.world.repairGroup(group);
    }
  }

  close(): Promise<void> {
    return this.world.close();
  }
}
