import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCENARIOS } from "../../src/drill/scenarios/catalogue.ts";
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
});
