import { expect, test } from "vitest";
import type { ModelServiceStatus } from "../../src/manifests/model-service/resource.ts";
import { differs, turns } from "../../src/reconciler/status.ts";

const status = (change: Partial<ModelServiceStatus> = {}): ModelServiceStatus => ({
  active: "a",
  standby: null,
  epoch: 3,
  redundancy: "1/1 groups",
  groups: [],
  servers: [{ name: "gpu-a", group: null, verdict: "blind", reason: "silent for 700 ms" }],
  decision: {
    kind: "wait",
    reason: "starting",
    detail: "a loads",
    since: "2026-11-24T12:00:00Z",
    until: "2026-11-24T12:01:00Z",
  },
  moves: [],
  takeover: { ready: false, reasons: [], rungs: [] },
  conditions: [
    { type: "Redundant", status: "False", reason: "OneGroup", message: "", lastTransitionTime: "2026-11-24T12:00:00Z" },
  ],
  ...change,
});

/** As an API server gives it back: fields by name, nulls left out. */
const returned = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, part) =>
      part === null || typeof part !== "object" || Array.isArray(part)
        ? (part ?? undefined)
        : Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))),
    ),
  );

test("what the API server gives back of a status is no change of it", () => {
  expect(differs(returned(status()) as ModelServiceStatus, status())).toBe(false);
  expect(differs(returned(status()) as ModelServiceStatus, status(), true)).toBe(false);
});

test("figures in sentences are no change, unless it is asked exactly; states are", () => {
  const later = status({ servers: [{ name: "gpu-a", group: null, verdict: "blind", reason: "silent for 1700 ms" }] });
  expect(differs(status(), later)).toBe(false);
  expect(differs(status(), later, true)).toBe(true);
  expect(differs(status(), status({ epoch: 4 }))).toBe(true);
});

test("that a rung was proved once more is no change; that it was proved at all is one", () => {
  const proved = (provenAt: string | null, detail = "23.7 ms a token, within 0.016 nats") =>
    status({ takeover: { ready: true, reasons: [], rungs: [{ name: "speed", ok: true, provenAt, detail }] } });
  const before = proved("2026-11-24T12:00:00Z");
  const again = proved("2026-11-24T12:00:01Z", "32 ms a token, within 0.02 nats");
  expect(differs(before, again)).toBe(false);
  expect(differs(before, again, true)).toBe(true);
  expect(differs(proved(null), before)).toBe(true);
});

test("a condition that turns is told from one whose words change", () => {
  const [condition] = status().conditions;
  if (condition === undefined) throw new Error("no condition");
  expect(turns(status(), status({ conditions: [{ ...condition, message: "other words" }] }))).toBe(false);
  expect(turns(status(), status({ conditions: [{ ...condition, status: "True" }] }))).toBe(true);
});
