import { test as base } from "vitest";
import { Stage, type StageOptions } from "./stage.ts";

/** Opens a stage that is taken away after its test, however that ends. */
type Open = (options?: StageOptions) => Promise<Stage>;

/**
 * Tests that each have stages of their own, and so can run at once: most of their time they wait for leases, heartbeats and
 * boots that take as long as they take.
 */
export const test = base.extend<{ open: Open; served: Open }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this one needs.
  open: async ({}, use) => {
    const stages: Stage[] = [];
    await use(async (options) => {
      const stage = await Stage.open(options);
      stages.push(stage);
      return stage;
    });
    await Promise.all(stages.map((stage) => stage.close()));
  },
  /** Both groups serve, the first word is given. */
  served: async ({ open }, use) => {
    await use(async (options) => {
      const stage = await open(options);
      stage.reconciler("r1");
      await stage.until("both groups serve", () => stage.condition("Redundant") === "True");
      return stage;
    });
  },
});
