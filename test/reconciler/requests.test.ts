import { expect } from "vitest";
import type { ModelServiceStatus } from "../../src/manifests/model-service/resource.ts";
import { paths, type Stage } from "./stage.ts";
import { test } from "./stage-test.ts";

const request = (id: string, kind: "switchover" | "failover" | "rebuild" | "drain" | "return", target: string) => ({
  request: { id, kind, target, by: "ann", at: new Date().toISOString() },
});
const answered = (stage: Stage, id: string) => stage.service.status?.handledRequest?.id === id;

test.concurrent("a server is drained without a cut stream, a spare takes its place, and it comes back as a spare", async ({
  served,
}) => {
  const stage = await served({ spare: true });
  for (const gateway of stage.gateways) gateway.requests.a = 2;
  stage.ask(request("d1", "drain", "gpu-a"));
  await stage.until("traffic moved", () => stage.service.status?.active === "b");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // Streams of the old group are still being written.
  expect(stage.api.get(paths.set("a"))?.spec).toMatchObject({ replicas: 1 });
  for (const gateway of stage.gateways) gateway.requests.a = 0;
  await stage.until("answered", () => answered(stage, "d1"));
  expect(stage.service.status?.handledRequest).toMatchObject({ outcome: "done" });
  expect(stage.api.get(paths.node("gpu-a"))?.spec).toMatchObject({ unschedulable: true });
  await stage.until("redundant", () => stage.condition("Redundant") === "True");
  expect(stage.service.status?.groups[0]?.servers.toSorted()).toEqual(["gpu-b", "gpu-e"]);
  stage.ask(request("r1", "return", "gpu-a"));
  await stage.until("answered", () => answered(stage, "r1"));
  await stage.until("a spare", () => {
    const node = stage.api.get(paths.node("gpu-a"));
    return Object(node?.spec).unschedulable === false && Object(node?.spec).taints?.length === 0;
  });
});

test.concurrent("what would end the last group is refused with the reason, and nothing is done", async ({ served }) => {
  const stage = await served({ spare: true });
  const before = stage.api.writes.length;
  stage.ask(request("x1", "rebuild", "a"));
  await stage.until("answered", () => answered(stage, "x1"));
  expect(stage.service.status?.handledRequest).toMatchObject({
    outcome: "refused",
    detail: expect.stringContaining("active"),
  });
  expect(stage.api.writes.slice(before).filter(({ path }) => /sglang|nodes|gpu-/.test(path))).toEqual([]);
});

test.concurrent("a switchover moves the word under a new epoch and is answered", async ({ served }) => {
  const stage = await served({ spare: true });
  stage.ask(request("s1", "switchover", "b"));
  await stage.until("answered", () => answered(stage, "s1"));
  expect(stage.service.status).toMatchObject({ active: "b", epoch: 2, handledRequest: { outcome: "done" } });
  expect(stage.service.status?.moves).toMatchObject([{ why: "switchover", to: "b" }]);
  // The same write says that nobody knows yet whether the group that lost the traffic could take it back.
  const statuses = stage.api.writes.map(({ body }) => Object(Object(body).status) as Partial<ModelServiceStatus>);
  const move = statuses.find(({ moves = [] }) => moves.length > 0);
  expect(move?.takeover).toMatchObject({ ready: false, reasons: [expect.stringContaining("moved to group b")] });
  expect(move?.conditions?.find(({ type }) => type === "TakeoverReady")).toMatchObject({ status: "False" });
  await stage.until("told", () => stage.gateways.every(({ active }) => active === "b"));
});
