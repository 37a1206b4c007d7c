import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCENARIOS, scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import { RehearsalArena } from "../../src/drill/scenarios/rehearsal-arena.ts";
import { runDrill } from "../../src/drill/scenarios/run-drill.ts";
import { localPlan } from "../support/rehearsal-session.ts";

const SHORT = { streams: 6, answerTokens: { min: 60, max: 80 } };
const carried = SCENARIOS.filter(({ outcome, arenas }) => outcome === "carried" && arenas.includes("rehearsal"));

describe("with a protection taken away the drill turns red, and says which promise was broken", () => {
  describe("no stream is carried on", () => {
    let arena: RehearsalArena;
    beforeAll(async () => {
      arena = await RehearsalArena.start({
        plan: localPlan("deepseek-v3"),
        gatewayConfig: { limits: { maxLegs: 1 } },
      });
    });
    afterAll(() => arena?.close());

    test.each(carried.map((scenario) => [scenario.name, scenario] as const))("%s", async (_name, scenario) => {
      const { report } = await runDrill(arena, scenario, SHORT);
      expect(report.passed).toBe(false);
      expect(report.failures.join("\n")).toMatch(/^streams: [1-6] of 6 did not end as they should/m);
    });
  });

  describe("agents that see neither the kernel log nor processes", () => {
    let arena: RehearsalArena;
    beforeAll(async () => {
      arena = await RehearsalArena.start({
        plan: localPlan("deepseek-v3"),
        agentEnv: { AGENT_KERNEL_LOG: "off", AGENT_PROC: "off" },
      });
    });
    afterAll(() => arena?.close());

    test.each(["gpu-xid", "gpu-lost", "ecc-storm"] as const)(
      "%s is seen by its silence, seconds late",
      async (name) => {
        const { report } = await runDrill(arena, scenarioOf(name), SHORT);
        expect(report.passed).toBe(false);
        const told = report.failures.join("\n");
        expect(told).toMatch(/^detected: [5-9]\.\d\d s, more than 1\.00 s$/m);
        expect(told).toMatch(/^reason: "group [ab]: no token for/m);
      },
    );
  });

  test("no second gateway: new requests find nobody", async () => {
    const arena = await RehearsalArena.start({ plan: localPlan("deepseek-v3"), replicas: 1 });
    try {
      await expect(runDrill(arena, scenarioOf("gateway-kill"), SHORT)).rejects.toThrow("no second gateway");
    } finally {
      await arena.close();
    }
  });
});

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
