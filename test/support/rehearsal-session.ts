import { readFileSync } from "node:fs";
import { type RoundOptions, rehearseFault } from "../../src/drill/rehearsal.ts";
import { World } from "../../src/drill/world/world.ts";
import { planServing } from "../../src/plan/plan-serving.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import type { RehearsalReport } from "../../src/report/rehearsal.ts";
import { parseSpec } from "../../src/spec/parse.ts";

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
  #active: string;

  private constructor(world: World) {
    this.world = world;
    this.#active = world.groups[0]?.id ?? "";
  }

  static async start(preset: string): Promise<RehearsalSession> {
    const world = await World.create({ plan: localPlan(preset) });
    try {
      await Promise.all(world.groups.map((group) => world.startGroup(group)));
    } catch (error) {
      await world.close();
      throw error;
    }
    return new RehearsalSession(world);
  }

  /** The group that serves. */
  get active(): string {
    return this.#active;
  }

  /** A gateway that knows of no earlier fault, one fault, and the repair. */
  async round(options: RoundOptions): Promise<RehearsalReport> {
    const gateway = await this.world.startGateway(this.#active);
    try {
      const report = await rehearseFault(this.world, gateway, options);
      this.#active = gateway.active();
      return report;
    } finally {
      await gateway.stop();
      for (const group of this.world.groups) if (group.id !== this.#active) await this.world.repairGroup(group);
    }
  }

  close(): Promise<void> {
    return this.world.close();
  }
}
