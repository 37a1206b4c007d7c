import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { monotonicMs } from "../../src/drill/clock.ts";
import { RepairWatch } from "../../src/drill/cluster/repair-watch.ts";
import type { ModelService } from "../../src/manifests/model-service/resource.ts";
import { Stage } from "./stage.ts";

/** As the API server's watch tells it, by looking. */
async function* follow(stage: Stage, signal: AbortSignal): AsyncGenerator<ModelService> {
  for (let version = ""; !signal.aborted; await delay(10)) {
    const { resourceVersion = "" } = stage.service.metadata;
    if (resourceVersion !== version) yield structuredClone(stage.service);
    version = resourceVersion;
  }
}

async function powerCut(stage: Stage): Promise<{ watch: RepairWatch; cutMs: number }> {
  stage.reconciler("r1");
  await stage.until("both groups serve", () => stage.condition("Redundant") === "True");
  const watch = new RepairWatch((signal) => follow(stage, signal), { group: "a", server: "gpu-a" });
  const cutMs = monotonicMs();
  stage.cutPower("gpu-a", "b");
  await watch.isolated(20_000);
  return { watch, cutMs };
}

describe("what a drill sees of the repair", () => {
  const stages: Stage[] = [];
  beforeAll(async () => {
    stages.push(await Stage.open({ bmc: true }), await Stage.open({ bmc: false }));
  });
  afterAll(() => Promise.all(stages.map((stage) => stage.close())));

  test.concurrent("with a BMC: isolated, then fenced, both after the fault", async () => {
    const { watch, cutMs } = await powerCut(stages[0] as Stage);
    await stages[0]?.until("fenced", () => watch.seen.fencedAtMs !== null);
    watch.stop();
    const { isolatedAtMs, fencedAtMs } = watch.seen;
    expect(isolatedAtMs).toBeGreaterThan(cutMs);
    expect(fencedAtMs).toBeGreaterThanOrEqual(isolatedAtMs ?? Number.POSITIVE_INFINITY);
  });

  test.concurrent("with nothing that could fence it: isolated, and never fenced before it comes back", async () => {
    const [, stage] = stages as [Stage, Stage];
    const { watch } = await powerCut(stage);
    await stage.until("it waits for a proof", () => stage.service.status?.decision.kind === "wait");
    await delay(500);
    expect(watch.seen.isolatedAtMs).not.toBeNull();
    expect(watch.seen.fencedAtMs).toBeNull();
    stage.startPower("gpu-a");
    await stage.until("fenced by its own word", () => watch.seen.fencedAtMs !== null);
    watch.stop();
  });
});
