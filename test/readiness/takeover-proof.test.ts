import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RUNGS } from "../../src/failover/readiness/ladder.ts";
import type { ModelService, TakeoverStatus } from "../../src/manifests/model-service/resource.ts";
import type { ClusterSnapshot } from "../../src/reconciler/cluster.ts";
import { ClockOffsets } from "../../src/reconciler/readiness/clock-offsets.ts";
import { TakeoverProof } from "../../src/reconciler/readiness/takeover-proof.ts";

/** What the replica before wrote: every rung proved at this time. */
function proved(at: number): TakeoverStatus {
  const provenAt = new Date(at).toISOString();
  return { ready: true, reasons: [], rungs: RUNGS.map(({ name }) => ({ name, ok: true, provenAt, detail: "well" })) };
}

function snapshot(takeover: TakeoverStatus | undefined, active: string): ClusterSnapshot {
  const groups = ["a", "b"].map((id) => ({ id, size: 2, workload: `sglang-${id}`, servers: [`${id}0`, `${id}1`] }));
  const service = {
    metadata: { name: "x" },
    spec: { revision: "r", groups, servers: {}, failover: { xids: {}, longestStepMs: 1_000 } },
    ...(takeover === undefined ? {} : { status: { active, takeover } }),
  } as unknown as ModelService;
  return { atMs: performance.now(), service, nodes: new Map(), sets: new Map(), pods: [], drills: [] };
}

let proof: TakeoverProof;
const see = (takeover: TakeoverStatus | undefined, leads = true, active = "a") =>
  proof.see({ cluster: snapshot(takeover, active), evidence: new Map(), active }, leads);
beforeEach(() => {
  proof = new TakeoverProof({
    offsets: new ClockOffsets(),
    engineKey: null,
    log: pino({ level: "silent" }),
    onNews: () => {},
    evidence: () => new Map(),
    gateways: () => [],
    canJudge: () => true,
  });
});
afterEach(() => proof.close());

test("a replica that follows proves nothing, and says nothing of any group", () => {
  see(proved(Date.now()), false);
  expect(proof.of("b")).toBeNull();
  expect(proof.status("a")).toMatchObject({ ready: false, reasons: ["this replica proves nothing"] });
});

test("of the active group there is nothing to prove: that it serves is seen (draining the standby rests on it)", () => {
  see(undefined);
  expect(proof.of("a")).toBeNull();
  expect(proof.of("b")).toMatchObject({ ready: false });
});

test.each<[string, number, boolean]>([
  ["a moment ago: it is believed until this replica has looked itself", 1_000, true],
  ["long ago: it is not", 91_000, false],
])("another replica proved it %s", (_name, agoMs, ready) => {
  // A group that the spec does not name: nothing can be looked at yet.
  see(proved(Date.now() - agoMs), true, "z");
  expect(proof.status("z").ready).toBe(ready);
  expect(proof.of("b")?.ready).toBe(ready);
});

test("when traffic moves, what was proved of the group that gets it says nothing of the one that stands by now", () => {
  see(proved(Date.now()));
  expect(proof.status("b")).toMatchObject({ ready: false, reasons: [expect.stringContaining("moved to group b")] });
});

test("what it finds wrong itself counts at once, whatever was proved before", () => {
  see(proved(Date.now()));
  // Its first look finds a group without servers.
  expect(proof.of("b")).toMatchObject({ ready: false, reason: expect.stringContaining("group b has no server") });
  expect(proof.status("a").ready).toBe(false);
});

test("one that gives the lease back and gets it again begins anew", () => {
  see(undefined);
  see(undefined, false);
  expect(proof.of("b")).toBeNull();
  see(undefined);
  expect(proof.of("b")).not.toBeNull();
});
