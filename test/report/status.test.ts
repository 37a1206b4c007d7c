import { describe, expect, test } from "vitest";
import type { DecisionStatus, ModelService } from "../../src/manifests/model-service/resource.ts";
import { type GatewayAnswer, joinStatus, type StackStatus, takeoverOf } from "../../src/report/stack-status.ts";
import { statusText } from "../../src/report/status.ts";

const group = (state: string, reason = "nothing speaks against it") => ({ servers: ["x"], state, reason, requests: 0 });
const status: StackStatus = {
  stack: "local",
  model: "deepseek-v3",
  active: "b",
  standby: "a",
  epoch: 2,
  choice: "use",
  reason: "group b serves",
  groups: {
    a: { servers: ["gpu-a", "gpu-b"], state: "clear", reason: "nothing speaks against it", requests: 0 },
    b: { servers: ["gpu-c", "gpu-d"], state: "clear", reason: "nothing speaks against it", requests: 20 },
  },
  gateway: {
    url: "http://10.0.0.100:8443/v1",
    replicas: { "cp-1": "answers", "gpu-c": "answers" },
    uses: { "cp-1": "b", "gpu-c": "b" },
  },
  lastFailover: {
    at: "2026-11-24T14:01:58.000Z",
    from: "a",
    to: "b",
    reason: "gpu-a is silent",
    gapMs: 926,
    carried: 20,
  },
  takeover: { ready: true, reasons: [], rungs: [] },
  reconciler: null,
  reconcilerMissing: null,
  lease: null,
  leaseMissing: null,
};
const at = "2026-11-24T14:00:00.000Z";
const now = Date.parse("2026-11-24T14:03:00.000Z");

test.each([
  ["the other group is clear", { active: "a", groups: { a: group("clear"), b: group("clear") } }, true, []],
  [
    "the other group is suspect",
    { active: "a", groups: { a: group("clear"), b: group("suspect", "rank 3 is gone") } },
    false,
    ["group b: rank 3 is gone"],
  ],
  [
    "one of two others is clear",
    { active: "a", groups: { a: group("clear"), b: group("blind", "x"), c: group("clear") } },
    true,
    ["group b: x"],
  ],
  ["there is one group", { active: "a", groups: { a: group("clear") } }, false, ["there is no second group"]],
  [
    "nobody serves, one could",
    { active: null, groups: { a: group("suspect", "y"), b: group("clear") } },
    true,
    ["group a: y"],
  ],
] as const)("takeover when %s", (_name, input, ready, reasons) => {
  expect(takeoverOf(input as never)).toEqual({ ready, reasons });
});

describe("the text", () => {
  test("of a healthy pair", () => {
    expect(statusText(status, now)).toBe(`local · deepseek-v3 · epoch 2 · http://10.0.0.100:8443/v1
last failover 2026-11-24T14:01:58.000Z  a -> b  20 streams carried on after 0.93 s at most
  gpu-a is silent

GROUP  ROLE     STATE  SERVERS       REQUESTS  CAN TAKE OVER
a      standby  clear  gpu-a, gpu-b  0         yes
b      active   clear  gpu-c, gpu-d  20

decision  group b serves
`);
  });

  test("says first what is wrong", () => {
    const text = statusText(
      {
        ...status,
        choice: "hold",
        reason: "both groups are suspect",
        gateway: { ...status.gateway, replicas: { "cp-1": "answers", "gpu-c": "silent" } },
        takeover: { ready: false, reasons: ["group a: rank 3 is gone"], rungs: [] },
      },
      now,
    );
    expect(text.split("\n").slice(0, 3)).toEqual([
      "HOLDING REQUESTS: both groups are suspect",
      "NO TAKEOVER POSSIBLE: group a: rank 3 is gone",
      "gateway on gpu-c does not answer",
    ]);
  });
});

describe("a decision of the reconciler", () => {
  const side = (decision: Partial<DecisionStatus>): StackStatus["reconciler"] => ({
    mode: "automatic",
    paused: null,
    request: null,
    serving: true,
    redundancy: "1/2 groups",
    decision: { kind: "hold", reason: "all-well", detail: "a serves", since: "2026-11-24T14:02:00.000Z", ...decision },
    groups: [],
    servers: [],
  });
  const first = (decision: Partial<DecisionStatus>) =>
    statusText({ ...status, reconciler: side(decision) }, now).split("\n")[0];

  test("that calls a person, or waits, stands first", () => {
    const fix = "kubectl uncordon gpu-d";
    expect(first({ kind: "escalate", reason: "needs-hands", detail: "b needs gpu-d", fix })).toMatch(
      /^A PERSON IS NEEDED .* ago: b needs gpu-d\. To do: kubectl uncordon gpu-d$/,
    );
    expect(first({ kind: "wait", reason: "starting", detail: "b loads" })).toMatch(/^WAITING .* ago: b loads$/);
    expect(first({})).toMatch(/^local · /);
  });
});

describe("the gateways and the ModelService together", () => {
  const answer = (active: string | null, more: Partial<GatewayAnswer> = {}): GatewayAnswer => ({
    active,
    standby: "b",
    epoch: 4,
    choice: "use",
    reason: "group a serves",
    model: "deepseek-v3",
    groups: {
      a: { servers: ["gpu-a", "gpu-b"], state: "clear", reason: "", requests: 3 },
      b: { servers: ["gpu-c", "gpu-d"], state: "clear", reason: "", requests: 0 },
    },
    lastFailover: null,
    ...more,
  });
  const service = {
    apiVersion: "tandem.dev/v1alpha1",
    kind: "ModelService",
    metadata: { name: "prod" },
    spec: { failover: { mode: "automatic" } },
    status: {
      active: "a",
      epoch: 5,
      redundancy: "1/2 groups",
      groups: [
        { id: "a", servers: ["gpu-a", "gpu-b"], run: "serving", verdict: "healthy", reason: "" },
        { id: "b", servers: ["gpu-d", "gpu-e"], run: "starting", verdict: "starting", reason: "loads" },
      ],
      servers: [
        { name: "gpu-a", group: "a", verdict: "healthy", reason: "" },
        {
          name: "gpu-c",
          verdict: "blind",
          reason: "not heard for 60 s",
          quarantine: { since: at, remedy: "failover-reboot", reason: "gpu-c is silent" },
          fence: { fenced: false, reason: "its power is not known" },
        },
      ],
      decision: { kind: "wait", reason: "starting", detail: "b loads", since: at, until: "2026-11-24T14:09:00.000Z" },
      moves: [],
      takeover: {
        ready: false,
        reasons: ["b loads"],
        rungs: [{ name: "weights", ok: false, detail: "61 %" }],
      },
      conditions: [{ type: "Serving", status: "True" }],
    },
  } as unknown as ModelService;
  const join = (more: Partial<Parameters<typeof joinStatus>[0]> = {}) =>
    joinStatus({
      stack: "prod",
      url: "http://10.0.0.100:8443/v1",
      model: "deepseek-v3",
      holder: answer("a"),
      replicas: { "cp-1": answer("a"), "gpu-c": answer("a") },
      service,
      ...more,
    });

  test("what kubectl shows is what is shown", () => {
    const joined = join();
    const { active, epoch, takeover } = service.status as NonNullable<ModelService["status"]>;
    expect(joined).toMatchObject({ active, standby: null, epoch, choice: "use", takeover });
    expect(joined.reconciler).toMatchObject({ redundancy: "1/2 groups", serving: true, paused: null });
    expect(joined.groups.b, "members as they are now").toMatchObject({
      servers: ["gpu-d", "gpu-e"],
      state: "starting",
    });
  });

  test("the last failover outlives a restart of the gateways, but for what only they had counted", () => {
    const move = { at, from: "b", to: "a", epoch: 4, why: "adopt", reason: "b: gpu-d is silent" };
    const moves = [
      { ...move, at: "2026-11-24T13:00:00.000Z", epoch: 3, why: "failover" },
      move,
      { ...move, at: "2026-11-24T14:01:00.000Z", epoch: 5, why: "switchover", reason: "rack work" },
    ];
    const told = { ...service, status: { ...service.status, moves } } as unknown as ModelService;
    const restarted = join({ service: told });
    const { epoch: _, why: __, ...known } = move;
    expect(restarted.lastFailover).toEqual({ ...known, gapMs: null, carried: null });
    expect(statusText(restarted, now)).toContain(`last failover ${at}  b -> a  the gateways have started since\n`);
    const remembered = { ...known, gapMs: 700, carried: 3 };
    expect(join({ service: told, holder: answer("a", { lastFailover: remembered }) }).lastFailover).toEqual(remembered);
    expect(join({ service: new Error("away") }).lastFailover).toBeNull();
  });

  test("a gateway that has moved on by itself is told, not hidden", () => {
    const moved = join({ holder: answer("b"), replicas: { "cp-1": answer("b"), "gpu-c": new Error("refused") } });
    expect(moved).toMatchObject({ active: "a", gateway: { uses: { "cp-1": "b", "gpu-c": null } } });
    const text = statusText(moved, now);
    expect(text).toContain("gateway on cp-1 uses b, the ModelService says a");
    expect(text).toContain("gateway on gpu-c does not answer");
  });

  test("paused, unfenced and asked for come first, then the decision with its times", () => {
    const spec = {
      ...service.spec,
      pause: { by: "anna", at, reason: "rack work" },
      request: { id: "1", kind: "drain", target: "gpu-a", by: "bert", at },
    } as ModelService["spec"];
    expect(
      statusText(join({ service: { ...service, spec } }), now),
    ).toBe(`PAUSED by anna 3 min ago: rack work; nothing is done until: tandem resume
NO TAKEOVER POSSIBLE: b loads
OUT OF SERVICE gpu-c, needs failover-reboot: gpu-c is silent; NOT FENCED: its power is not known
WAITING 3 min ago: b loads
asked for: drain gpu-a, by bert 3 min ago
prod · deepseek-v3 · epoch 5 · automatic · 1/2 groups · http://10.0.0.100:8443/v1
no failover since the gateway started

GROUP  ROLE    STATE     SERVERS       REQUESTS  CAN TAKE OVER
a      active  clear     gpu-a, gpu-b  3
b      -       starting  gpu-d, gpu-e  0         no: loads

SERVER  GROUP  VERDICT  STATE     WHY
gpu-c   -      blind    isolated  needs failover-reboot: gpu-c is silent

HOLDS  RUNG     LAST PROVED  WHAT
NO     weights  never        61 %

decision  wait starting: b loads (since 3 min ago, until
          2026-11-24T14:09:00.000Z)
`);
  });

  test.each([
    [
      "the API server is away",
      join({ service: new Error("the API server does not answer within 3 s") }),
      "a",
      4,
      "use",
    ],
    [
      "nobody has reported",
      join({ service: { ...service, status: undefined } as unknown as ModelService }),
      "a",
      4,
      "use",
    ],
    [
      "every gateway is silent",
      join({ holder: new Error("no route"), replicas: { "cp-1": new Error("x") } }),
      "a",
      5,
      "silent",
    ],
  ])("one side alone: %s", (_name, joined, active, epoch, choice) => {
    expect(joined).toMatchObject({ active, epoch, choice });
    const text = statusText(joined, now);
    expect(text).toMatch(
      choice === "silent"
        ? /^NO GATEWAY ANSWERS: no route/
        : /by the gateways alone: (the API server does not answer within 3 s|no reconciler has reported yet)/,
    );
  });
});
