import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import { RehearsalArena } from "../../src/drill/scenarios/rehearsal-arena.ts";
import { runDrill } from "../../src/drill/scenarios/run-drill.ts";
import { localPlan } from "../support/rehearsal-session.ts";

const SHORT = { streams: 6, answerTokens: { min: 60, max: 80 } };

describe("a drill is refused, and nobody is touched", () => {
  let arena: RehearsalArena;
  beforeAll(async () => {
    arena = await RehearsalArena.start({ plan: localPlan("deepseek-v3") });
  });
  afterAll(() => arena?.close());

  test("for a victim that it cannot hit", async () => {
    const drill = runDrill(arena, scenarioOf("server-power"), { ...SHORT, victim: "gpu-c" });
    await expect(drill).rejects.toMatchObject({ code: "E_DRILL_VICTIM" });
  });

  test("interrupted in the middle, it undoes what it did", async () => {
    const controller = new AbortController();
    const drill = runDrill(arena, scenarioOf("gpu-xid"), {
      ...SHORT,
      signal: controller.signal,
      tell: ({ text }) => text.startsWith("the gateway goes over") && controller.abort(),
    });
    await expect(drill).rejects.toMatchObject({ code: "E_DRILL_ABORTED" });
    await expect.poll(() => arena.readiness(), { timeout: 20_000 }).toMatchObject({ against: [] });
  });

  test("while the standby could not take over", async () => {
    const { active } = await arena.readiness();
    const standby = arena.groups.find(({ id }) => id !== active);
    await arena.world.inject("rank-crash", standby?.servers[0]?.name ?? "", Math.random);
    await expect.poll(async () => (await arena.readiness()).against.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await expect(runDrill(arena, scenarioOf("server-power"), SHORT)).rejects.toMatchObject({
      code: "E_DRILL_NOT_READY",
      why: expect.stringContaining(`group ${standby?.id}`),
    });
  });
});
