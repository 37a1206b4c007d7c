import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RoundOptions, rehearseFault } from "../../src/drill/rehearsal.ts";
import { World } from "../../src/drill/world/world.ts";
import { planServing } from "../../src/plan/plan-serving.ts";
import { FAULT_CLASSES, type FaultClass, type RehearsalReport } from "../../src/report/rehearsal.ts";
import { parseSpec } from "../../src/spec/parse.ts";
import { isProcessAlive } from "../support/process-alive.ts";

/** The local stack with a model of all three kinds: chats that think, chats that do not, completions. */
function plan(preset: string) {
  const text = readFileSync("stacks/local.yaml", "utf8").replaceAll("deepseek-v3", preset);
  const parsed = parseSpec(text, "local.yaml");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const planned = planServing(parsed.spec);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return planned.plan;
}

const SHORT = { streams: 12, answerTokens: { min: 60, max: 100 } };

describe("each failure class, a random server, a random moment", () => {
  let world: World;
  let active = "a";
  const pids: number[] = [];
  beforeAll(async () => {
    world = await World.create({ plan: plan("deepseek-v3.1") });
    await Promise.all(world.groups.map((group) => world.startGroup(group)));
  });
  afterAll(async () => {
    for (const { children } of world.servers) pids.push(...children.map(({ pid }) => pid));
    await world.close();
    expect(pids.filter(isProcessAlive)).toEqual([]);
  });

  /** One fault and the repair after it; the group that took over serves on. */
  async function round(options: Omit<RoundOptions, "streams"> & { streams?: number }): Promise<RehearsalReport> {
    const gateway = await world.startGateway(active);
    try {
      const report = await rehearseFault(world, gateway, { ...SHORT, ...options });
      active = report.to ?? active;
      return report;
    } finally {
      await gateway.stop();
      const broken = world.groups.find(({ id }) => id !== active);
      if (broken !== undefined) await world.repairGroup(broken);
    }
  }

  test.each(FAULT_CLASSES.map((fault): [FaultClass] => [fault]))("%s: nobody notices", async (fault) => {
    const report = await round({ fault });
    // Times are measured by the bench, on a machine that has nothing else to do.
    expect(report.streams).toMatchObject({ failures: [], perfect: 12, lost: 0, doubled: 0, foreign: 0, mixed: 0 });
    expect(report.streams.carriedOn).toBeGreaterThan(0);
    expect(report.phases.map(({ seconds }) => seconds)).not.toContain(null);
    expect(report.to).not.toBe(report.from);
    expect(world.server(report.victim).place.group).toBe(report.from);
  });

  test("prompts of 10 to 20,000 tokens", async () => {
    const report = await round({ fault: "server-power", promptTokens: { min: 10, max: 20_000 } });
    expect(report.streams).toMatchObject({ failures: [], perfect: 12 });
  });
});

test("without a gateway the same fault is noticed: the judge is not blind", async () => {
  const world = await World.create({ plan: plan("deepseek-v3") });
  try {
    const [group] = world.groups as [(typeof world.groups)[0]];
    await world.startGroup(group);
    const front = { baseUrl: `${group.url}/v1`, active: () => group.id, moves: [] };
    const report = await rehearseFault(world, front, { fault: "rank-crash", ...SHORT });
    expect(report).toMatchObject({ passed: false, to: null, streams: { perfect: 0, carriedOn: 0 } });
    expect(report.streams.lost).toBeGreaterThan(0);
    expect(report.phases.map(({ seconds }) => seconds)).toEqual([null, null, null]);
  } finally {
    await world.close();
  }
});
