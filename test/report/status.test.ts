import { describe, expect, test } from "vitest";
import { type StackStatus, statusText, takeoverOf } from "../../src/report/status.ts";

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
  gateway: { url: "http://10.0.0.100:8443/v1", replicas: { "cp-1": "answers", "gpu-c": "answers" } },
  lastFailover: {
    at: "2026-11-24T14:01:58.000Z",
    from: "a",
    to: "b",
    reason: "gpu-a is silent",
    gapMs: 926,
    carried: 20,
  },
  takeover: { ready: true, reasons: [] },
};

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
    expect(statusText(status)).toBe(`local · deepseek-v3 · epoch 2 · http://10.0.0.100:8443/v1
last failover 2026-11-24T14:01:58.000Z  a -> b  20 streams carried on after 0.93 s at most
  gpu-a is silent

GROUP  ROLE     STATE  SERVERS       REQUESTS  CAN TAKE OVER
a      standby  clear  gpu-a, gpu-b  0         yes
b      active   clear  gpu-c, gpu-d  20

decision  group b serves
`);
  });

  test("says first what is wrong", () => {
    const text = statusText({
      ...status,
      choice: "hold",
      reason: "both groups are suspect",
      gateway: { ...status.gateway, replicas: { "cp-1": "answers", "gpu-c": "silent" } },
      takeover: { ready: false, reasons: ["group a: rank 3 is gone"] },
    });
    expect(text.split("\n").slice(0, 3)).toEqual([
      "HOLDING REQUESTS: both groups are suspect",
      "NO TAKEOVER POSSIBLE: group a: rank 3 is gone",
      "gateway on gpu-c does not answer",
    ]);
  });
});
