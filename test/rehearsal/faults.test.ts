import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rehearseFault } from "../../src/drill/rehearsal.ts";
import { World } from "../../src/drill/world/world.ts";
import { FAULT_CLASSES, type FaultClass } from "../../src/report/rehearsal.ts";
import { isProcessAlive } from "../support/process-alive.ts";
import { localPlan, RehearsalSession } from "../support/rehearsal-session.ts";

const SHORT = { streams: 12, answerTokens: { min: 60, max: 100 } };

describe("each failure class, a random server, a random moment", () => {
  let session: RehearsalSession;
  beforeAll(async () => {
    // Its chats think when asked: all three kinds of streams at once. One gateway lives through all faults, as in a cluster:
    // what one of them left in its memory must not make it slow to see the next.
    session = await RehearsalSession.start("deepseek-v3.1", { oneGateway: true });
  });
  afterAll(async () => {
    const pids = session.world.servers.flatMap(({ children }) => children.map(({ pid }) => pid));
    await session.close();
    expect(pids.length).toBe(8);
    expect(pids.filter(isProcessAlive)).toEqual([]);
  });

  test.each(FAULT_CLASSES.map((fault): [FaultClass] => [fault]))("%s: nobody notices", async (fault) => {
    const report = await session.round({ ...SHORT, fault });
    // Times are measured by the bench, on a machine that has nothing else to do.
    expect(report.streams).toMatchObject({ failures: [], perfect: 12, lost: 0, doubled: 0, foreign: 0, mixed: 0 });
    expect(report.streams.carriedOn).toBeGreaterThan(0);
    expect(report.phases.map(({ seconds }) => seconds)).not.toContain(null);
    expect(report.to).not.toBe(report.from);
    expect(session.world.server(report.victim).place.group).toBe(report.from);
  });

  test("prompts of 10 to 20,000 tokens, broken in prefill too", async () => {
    const report = await session.round({
      ...SHORT,
      fault: "server-power",
      promptTokens: { min: 10, max: 20_000 },
      when: { since: "opened", minMs: 300, maxMs: 1_200 },
    });
    expect(report.streams).toMatchObject({ failures: [], perfect: 12 });
  });
});

test("without a gateway the same fault is noticed: the judge is not blind", async () => {
  const world = await World.create({ plan: localPlan("deepseek-v3") });
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
