import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import { RehearsalArena } from "../../src/drill/scenarios/rehearsal-arena.ts";
import { runDrill } from "../../src/drill/scenarios/run-drill.ts";
import { localPlan } from "../support/rehearsal-session.ts";

const SHORT = { streams: 6, answerTokens: { min: 60, max: 80 } };

describe("with a protection taken away the drill turns red, and says which promise was broken", () => {
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
        expect(told).toMatch(/^detected: (?:[5-9]|\d\d)\.\d\d s, more than 1\.00 s$/m);
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
