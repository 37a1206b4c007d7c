import { describe, expect } from "vitest";
import { quarantineOf } from "../../src/reconciler/observe/records.ts";
import { paths, type Stage } from "./stage.ts";
import { test } from "./stage-test.ts";

const record = (stage: Stage, name: string) => {
  const node = stage.api.get(paths.node(name));
  return node === undefined ? null : quarantineOf(node);
};
const replicas = (stage: Stage, id: string) => Object(stage.api.get(paths.set(id))?.spec).replicas;
const members = (stage: Stage, id: string) => stage.service.status?.groups.find((group) => group.id === id)?.servers;
/** Steps on groups and servers, without stamps and notes: what must not happen to a group that is well. */
const touched = (stage: Stage, what: string) =>
  stage.api.writes.filter(
    ({ path, body }) => path.includes(what) && !/tandem.dev\/(term|served-revision)/.test(JSON.stringify(body)),
  );

describe.concurrent("from nothing", () => {
  test("the groups are made, the first word is given and told", async ({ served }) => {
    const stage = await served();
    expect(stage.service.status).toMatchObject({ active: "a", standby: "b", epoch: 1, redundancy: "2/2 groups" });
    expect(stage.api.get(paths.set("a"))?.metadata.ownerReferences).toMatchObject([
      { kind: "ModelService", name: "prod" },
    ]);
  });

  test("gateways that know a higher epoch keep what they serve", async ({ open }) => {
    const stage = await open();
    for (const gateway of stage.gateways) {
      Object.assign(gateway, { active: "b", epoch: 7, role: { active: "b", epoch: 7, reason: "before" } });
    }
    stage.reconciler();
    const words = () =>
      stage.api.writes.flatMap(({ path, body }) => (path.endsWith("/status") ? (Object(body).status ?? []) : []));
    await stage.until("the first word", () => words().some(({ epoch }) => epoch > 0));
    // What was written first: on a computer that stands still for seconds a server may look silent, and the groups move on with right.
    expect(words().find(({ epoch }) => epoch > 0)).toMatchObject({ active: "b", epoch: 7 });
    await stage.until("both serve", () => stage.condition("Redundant") === "True");
    const { active } = stage.service.status ?? {};
    expect(stage.api.get(paths.active)?.spec).toEqual({ selector: { "tandem.dev/group": active } });
  });
});

describe.concurrent("a server of the active group loses its power", () => {
  test("with a BMC it is isolated, fenced, switched on, checked, and its group comes back as the standby", async ({
    served,
  }) => {
    const stage = await served();
    const before = stage.api.writes.length;
    stage.cutPower("gpu-a", "b");
    await stage.until("adopted", () => stage.service.status?.epoch === 2);
    expect(stage.service.status).toMatchObject({
      active: "b",
      moves: [{ from: "a", to: "b", epoch: 2, why: "adopt" }],
    });
    await stage.until("isolated", () => record(stage, "gpu-a") !== null && replicas(stage, "a") === 0);
    await stage.until("fenced", () => record(stage, "gpu-a")?.poweredOffAt !== undefined);
    await stage.until("redundant", () => stage.condition("Redundant") === "True");
    expect(record(stage, "gpu-a")).toBeNull();
    expect(stage.api.get(paths.node("gpu-a"))?.spec).toEqual({ taints: [] });
    expect(stage.service.status).toMatchObject({ active: "b", standby: "a", epoch: 2 });
    expect(stage.gateways.map(({ role }) => role.epoch)).toEqual([2, 2]);
    const since = stage.api.writes.slice(before);
    expect(since.filter(({ path }) => path.endsWith("sglang-b"))).toEqual([]);
    const forced = since.filter(({ method, body }) => method === "DELETE" && Object(body).gracePeriodSeconds === 0);
    // On a computer that stands still for seconds the server may be silent once more as its group starts: another pod of that name.
    expect([...new Set(forced.map(({ path }) => path.split("/").at(-1)))]).toEqual(["sglang-a-0"]);
    const uids = forced.map(({ body }) => Object(body).preconditions.uid);
    expect(uids).toEqual([...new Set(uids)]);
  });

  test("without a BMC nothing of it is used before it is heard empty, and a person is told; by hand it comes back", async ({
    served,
  }) => {
    const stage = await served({ bmc: false });
    stage.cutPower("gpu-a", "b");
    await stage.until("a person is told", () => stage.service.status?.decision.reason === "not-fenced");
    expect(stage.service.status?.decision.fix).toContain("gpu-a");
    expect(replicas(stage, "a")).toBe(0);
    expect(stage.service.status?.servers.find(({ name }) => name === "gpu-a")?.fence).toMatchObject({ fenced: false });
    stage.startPower("gpu-a");
    await stage.until("redundant", () => stage.condition("Redundant") === "True");
    await stage.until("all is well", () => stage.service.status?.decision.reason === "all-well");
    // A merge keeps what is not named: the way out of a trouble that is over must go all the same.
    expect(stage.service.status?.decision).not.toHaveProperty("fix");
    expect(stage.service.status?.decision).not.toHaveProperty("until");
    expect(stage.service.status).toMatchObject({ active: "b", epoch: 2 });
  });

  test("a spare takes its place, the gateways learn of it, and the dead one is a spare later", async ({ served }) => {
    const stage = await served({ spare: true, bmc: false });
    stage.cutPower("gpu-a", "b");
    await stage.until("replaced", () => members(stage, "a")?.includes("gpu-e") === true);
    await stage.until("redundant", () => stage.condition("Redundant") === "True");
    expect(members(stage, "a")?.toSorted()).toEqual(["gpu-b", "gpu-e"]);
    await stage.until("told", () => stage.gateways.every((gateway) => gateway.members.a?.includes("gpu-e")));
    stage.startPower("gpu-a");
    await stage.until("a spare", () => record(stage, "gpu-a") === null);
    expect(stage.api.get(paths.node("gpu-a"))?.metadata.labels).not.toHaveProperty("tandem.dev/group");
    expect(members(stage, "a")?.toSorted()).toEqual(["gpu-b", "gpu-e"]);
  });

  test("what fails its checks for long needs the next rung; status says what they had against it", async ({
    served,
  }) => {
    const stage = await served();
    const server = stage.servers.get("gpu-a");
    if (server !== undefined) server.strayPid = 4_711;
    stage.cutPower("gpu-a", "b");
    await stage.until("the checks object", () => record(stage, "gpu-a")?.objectionsSince !== undefined);
    const told = () => stage.service.status?.servers.find(({ name }) => name === "gpu-a")?.quarantine?.reason;
    // The record on the node is written first.
    await stage.until("the status says so", () => told() !== undefined);
    expect(told()).not.toContain("failed");
    // Two minutes later.
    const objected = { ...record(stage, "gpu-a"), objectionsSince: new Date(Date.now() - 121_000).toISOString() };
    stage.api.change(paths.node("gpu-a"), {
      metadata: { annotations: { "tandem.dev/quarantine": JSON.stringify(objected) } },
    });
    await stage.until("a person is told", () => stage.service.status?.decision.reason === "needs-hands");
    expect(told()).toMatch(/; its check failed: processes still hold its GPUs$/);
    expect(record(stage, "gpu-a")?.failedChecks).toEqual({ count: 1, what: "processes still hold its GPUs" });
    expect(server?.boots).toBe(1);
  });

  test("no gateway moves: the word does, once the verdict has held", async ({ served }) => {
    const stage = await served();
    stage.cutPower("gpu-b", null);
    await stage.until("moved", () => stage.service.status?.epoch === 2);
    expect(stage.service.status?.moves).toMatchObject([{ to: "b", why: "failover" }]);
    await stage.until("told", () => stage.gateways.every(({ active }) => active === "b"));
  });
});

test.concurrent("LeaderWorkerSet reports on a crashed group while it is stopped: it is stopped all the same, and its crash remembered", async ({
  served,
}) => {
  const stage = await served();
  let reports = 0;
  stage.api.answered = async ({ method, path }) => {
    if (method !== "DELETE" || !path.includes("/sglang-a-")) return;
    reports += 1;
    stage.api.change(paths.set("a"), { status: { conditions: [{ type: "Progressing", status: String(reports) }] } });
  };
  const stops = () =>
    stage.api.writes.filter(({ path, body }) => path.endsWith("/sglang-a") && Object(body).spec?.replicas === 0);
  stage.servers.get("gpu-b")?.stopRanks();
  for (const gateway of stage.gateways) gateway.moveTo("b");
  await stage.until("stopped", () => stops().length > 0);
  expect(reports).toBeGreaterThan(0);
  const notes = stage.api.get(paths.set("a"))?.metadata.annotations?.["tandem.dev/follows"] ?? "{}";
  expect(JSON.parse(notes)).toMatchObject({ crashes: [{}] });
  await stage.until("redundant", () => stage.condition("Redundant") === "True" && stage.service.status?.active === "b");
  expect(stops()).toHaveLength(1);
});

describe.concurrent("what is no fault", () => {
  test("an agent that is silent while its group answers", async ({ served }) => {
    const stage = await served();
    const server = stage.servers.get("gpu-b");
    if (server === undefined) throw new Error("no gpu-b");
    server.isMute = true;
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(record(stage, "gpu-b")).toBeNull();
    expect(stage.service.status).toMatchObject({ active: "a", epoch: 1 });
    expect(touched(stage, "sglang-a").filter(({ method }) => method === "DELETE")).toEqual([]);
  });

  test("one gateway with a bad link: the word stays, and the group that it left is not touched", async ({ served }) => {
    const stage = await served();
    const before = stage.api.writes.length;
    stage.gateways[0]?.moveTo("b");
    await stage.until("settled", () => stage.service.status?.epoch === 2);
    expect(stage.service.status?.moves).toMatchObject([{ from: "a", to: "a", why: "settle" }]);
    await stage.until("told", () => stage.gateways.every(({ active }) => active === "a"));
    const since = stage.api.writes.slice(before).filter(({ path }) => /sglang|nodes/.test(path));
    expect(since).toEqual([]);
  });

  test("nobody is heard: the fault is on our side", async ({ served }) => {
    const stage = await served();
    const before = stage.api.writes.length;
    for (const server of stage.servers.values()) server.isMute = true;
    await stage.until("held", () => stage.service.status?.decision.reason === "nobody-heard");
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(stage.api.writes.slice(before).filter(({ path }) => /sglang|nodes/.test(path))).toEqual([]);
  });

  test("paused by a person: the fault is shown and nothing is done, until it is resumed", async ({ served }) => {
    const stage = await served();
    stage.ask({ pause: { by: "ann", at: new Date().toISOString(), reason: "looking" } });
    await stage.until("paused", () => stage.condition("Paused") === "True");
    stage.cutPower("gpu-a", "b");
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(stage.service.status).toMatchObject({ epoch: 1, decision: { kind: "hold", reason: "paused" } });
    expect(record(stage, "gpu-a")).toBeNull();
    stage.ask({ pause: null as never });
    await stage.until("redundant", () => stage.condition("Redundant") === "True" && stage.service.status?.epoch === 2);
  });
});

test.concurrent("the API server is away for a while, in which a server dies: then only what holds now is done", async ({
  served,
}) => {
  const stage = await served();
  stage.api.intercept = async (_request, response) => {
    response.destroy();
    return true;
  };
  stage.api.endWatches();
  stage.cutPower("gpu-a", "b");
  // A fault that has come and gone by the time anybody can act.
  for (const gateway of stage.gateways) gateway.requests.a = 3;
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  const before = stage.api.writes.length;
  stage.servers.get("gpu-c")?.say({ kind: "condition", type: "Old", status: "False", reason: "gone" });
  stage.api.intercept = async () => false;
  await stage.until("redundant", () => stage.condition("Redundant") === "True" && stage.service.status?.epoch === 2);
  expect(stage.service.status?.moves).toHaveLength(1);
  expect(stage.api.writes.slice(before).filter(({ path }) => path.endsWith("sglang-b"))).toEqual([]);
});

test.concurrent("a new revision reaches the standby first, then the word moves, then the other group", async ({
  served,
}) => {
  const stage = await served();
  const order: string[] = [];
  stage.api.answered = async ({ path, body }) => {
    const spec = Object(body).spec ?? {};
    if (path.includes("sglang-") && spec.replicas !== undefined) order.push(`${path.at(-1)} ${spec.replicas}`);
    if (
      path.endsWith("/status") &&
      Object(body).status.active !== undefined &&
      Object(body).status.decision === undefined
    )
      order.push(`active ${Object(body).status.active}`);
  };
  const { template } = stage.service.spec;
  stage.ask({ revision: "new", template: { ...template, startupPolicy: "LeaderCreated" } });
  await stage.until("changed", () =>
    (stage.service.status?.groups ?? []).every(({ revision, run }) => revision === "new" && run === "serving"),
  );
  expect(order).toEqual(["b 0", "b 1", "active b", "a 0", "a 1"]);
});
