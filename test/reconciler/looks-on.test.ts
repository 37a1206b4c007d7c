import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { ReconcilerMetrics } from "../../src/reconciler/metrics.ts";
import { test } from "./stage-test.ts";

test.concurrent("who only looks on does so seldom while all are well, and at once when something is heard", async ({
  served,
}) => {
  const stage = await served();
  const metrics = new ReconcilerMetrics();
  stage.reconciler("r2", metrics);
  const passes = async (): Promise<number> => {
    const { values } = await metrics.passes.get();
    return values.find(({ metricName }) => metricName?.endsWith("_count"))?.value ?? 0;
  };
  await stage.until("the second one listens", () => stage.servers.get("gpu-d")?.listeners === 2);
  await expect.poll(passes).toBeGreaterThan(2);
  await delay(2_000);
  const calm = await passes();
  await delay(6_000);
  // One every five seconds, and one for a status that the other has written; every second it would be six.
  expect((await passes()) - calm).toBeLessThanOrEqual(4);
  const before = await passes();
  stage.servers.get("gpu-d")?.say({ kind: "rank", group: "b", rank: 8, pid: 4711, state: "exited" });
  await expect.poll(passes, { timeout: 800, interval: 20 }).toBeGreaterThan(before);
});
