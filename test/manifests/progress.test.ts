import { describe, expect, test } from "vitest";
import { isReady } from "../../src/kube/ready.ts";
import { progressOf } from "../../src/manifests/model-service/progress.ts";
import type {
  DecisionStatus,
  GroupStatus,
  ModelService,
  ModelServiceStatus,
} from "../../src/manifests/model-service/resource.ts";

const at = "2026-11-24T14:00:00.000Z";
const group = (id: string, more: Partial<GroupStatus> = {}): GroupStatus => ({
  id,
  role: id === "a" ? "active" : "standby",
  servers: [`gpu-${id}1`, `gpu-${id}2`],
  run: "serving",
  since: at,
  verdict: "healthy",
  reason: "",
  revision: "new",
  ...more,
});
const decision = (kind: DecisionStatus["kind"], detail: string): DecisionStatus => ({
  kind,
  reason: "rebuild",
  detail,
  since: at,
});

function service(
  groups: GroupStatus[],
  {
    serving = true,
    decided = decision("hold", "a serves"),
    servers = [] as ModelServiceStatus["servers"],
    pause = false,
  },
): ModelService {
  const conditions = [
    {
      type: "Serving" as const,
      status: serving ? ("True" as const) : ("False" as const),
      reason: "x",
      message: serving ? "" : "a: starting, loads",
      lastTransitionTime: at,
    },
  ];
  return {
    apiVersion: "tandem.dev/v1alpha1",
    kind: "ModelService",
    metadata: { name: "prod", namespace: "tandem-prod", generation: 4 },
    spec: {
      revision: "new",
      ...(pause ? { pause: { by: "anna", at, reason: "" } } : {}),
    } as ModelService["spec"],
    status: {
      observedGeneration: 4,
      active: "a",
      standby: "b",
      epoch: 1,
      redundancy: "",
      groups,
      servers,
      decision: decided,
      moves: [],
      takeover: { ready: true, reasons: [], rungs: [] },
      conditions,
    },
  };
}

const lost = {
  name: "gpu-b1",
  group: "b",
  verdict: "blind" as const,
  reason: "",
  quarantine: { since: at, remedy: "failover-reboot" as const, reason: "" },
};
const half = [group("a"), group("b", { run: "starting", reason: "loads" })];

describe("an update of the ModelService", () => {
  test.each([
    ["every group serves with the wanted revision", service([group("a"), group("b")], {})],
    [
      "one group waits for a server in quarantine",
      service([group("a"), group("b", { run: "stopped" })], { servers: [lost] }),
    ],
    ["the automation is paused", service(half, { pause: true })],
    ["the rest needs a person", service(half, { decided: decision("escalate", "gpu-b1 needs hands") })],
  ])("is done: %s", (_name, object) => {
    expect(progressOf(object)).toEqual({ state: "there" });
    expect(isReady(object as never)).toEqual({ ok: true });
  });

  test.each([
    [
      "nothing is known",
      { ...service(half, {}), status: undefined } as unknown as ModelService,
      /has not reported yet/,
    ],
    [
      "what is known is older than the change",
      { ...service([group("a"), group("b")], {}), metadata: { name: "prod", generation: 5 } },
      /has not seen the change/,
    ],
    ["the standby loads", service(half, {}), /group b starting \(loads\); hold: a serves/],
    [
      "the other group is still to come",
      service([group("a", { revision: "old" }), group("b")], {}),
      /group a still runs revision old/,
    ],
    [
      "nobody serves, whatever else",
      service([group("a", { run: "starting" })], { serving: false, decided: decision("escalate", "no server") }),
      /a: starting, loads; group a starting; escalate: no server/,
    ],
    [
      "another group than the one that waits for a server",
      service([group("a", { revision: "old" }), group("b", { run: "stopped" })], { servers: [lost] }),
      /^group a still runs revision old; hold: a serves$/,
    ],
  ])("is under way: %s", (_name, object, why) => {
    expect(progressOf(object)).toEqual({ state: "under way", why: expect.stringMatching(why) });
  });

  test("fails when the standby did not turn green with it, and says how to go back", () => {
    const object = service(
      [group("a", { revision: "old" }), group("b", { failedRevision: "new", reason: "exit 1" })],
      {},
    );
    expect(progressOf(object)).toMatchObject({
      state: "stopped",
      why: expect.stringContaining("group b did not turn green"),
    });
    expect(() => isReady(object as never)).toThrow(/E_MODEL_SERVICE|set the spec back/);
  });

  test("fails when only a person can bring the change to a group that still serves with what was before", () => {
    const needsPerson = { ...decision("escalate", "b does not turn green with new"), fix: "set the spec back" };
    const groups = [group("a", { revision: "old" }), group("b")];
    expect(progressOf(service(groups, { decided: needsPerson }))).toEqual({
      state: "stopped",
      why: "group a still runs revision old: b does not turn green with new",
      fix: "set the spec back",
    });
    // While it is being proved, and where a person stopped the automation on purpose, nothing has failed.
    expect(progressOf(service(groups, { decided: decision("wait", "b serves with new") }))).toMatchObject({
      state: "under way",
    });
    expect(progressOf(service(groups, { decided: needsPerson, pause: true }))).toEqual({ state: "there" });
  });

  test("a revision that failed once and is no longer wanted is history", () => {
    expect(progressOf(service([group("a"), group("b", { failedRevision: "older" })], {}))).toEqual({ state: "there" });
  });
});
