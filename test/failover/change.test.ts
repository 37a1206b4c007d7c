import { describe, expect, test } from "vitest";
import { decide } from "../../src/failover/decide.ts";
import { DEFAULT_POLICY, type GroupObserved, type Observed, type ServerObserved } from "../../src/failover/observed.ts";
import { calm, worldOf } from "./decide-world.ts";

const { seen } = worldOf({ ...calm, wanted: "v2" });
const { atMs } = seen;
const group = (of: Observed, id: string, change: Partial<GroupObserved>): Observed => ({
  ...of,
  groups: of.groups.map((one) => (one.id === id ? { ...one, ...change } : one)),
});
const server = (of: Observed, name: string, change: Partial<ServerObserved>): Observed => ({
  ...of,
  servers: of.servers.map((one) => (one.name === name ? { ...one, ...change } : one)),
});
const back = "set the spec back to what served before, then: tandem up";

describe("a new revision on the standby", () => {
  const provenFor = (ms: number, ready = false) =>
    decide(
      group(seen, "b", {
        revision: "v2",
        runSinceMs: atMs - ms,
        takeover: { ready, reason: "answers: not proved yet" },
      }),
    );

  test("has its time to prove that it can do the work, and traffic moves as soon as it has", () => {
    expect(provenFor(0)).toMatchObject({
      kind: "wait",
      reason: "proving",
      untilMs: atMs + DEFAULT_POLICY.proveWithinMs,
    });
    expect(provenFor(DEFAULT_POLICY.proveWithinMs - 1)).toMatchObject({ kind: "wait" });
    expect(provenFor(1, true)).toMatchObject({ action: { kind: "set-active", group: "b", why: "switchover" } });
  });

  test("ends the change where it does not, with the way back", () => {
    const last = provenFor(DEFAULT_POLICY.proveWithinMs);
    expect(last).toMatchObject({ kind: "escalate", reason: "change-failed", fix: back });
    expect(last.detail).toBe("b does not turn green with v2: answers: not proved yet");
  });

  test("ends it too where it never becomes ready; a revision that served before is another matter", () => {
    const loads = (revision: string) =>
      decide(group(seen, "b", { run: "starting", revision, runSinceMs: atMs - DEFAULT_POLICY.startWithinMs }));
    expect(loads("v2")).toMatchObject({ kind: "escalate", reason: "change-failed", fix: back });
    expect(loads("v1")).toMatchObject({ kind: "escalate", reason: "does-not-start" });
  });
});

describe("a member that a person cordoned, where Kubernetes would start no pod", () => {
  const fix = "kubectl uncordon gpu-d";

  test("keeps its group from being stopped for a change or for a repair that is due", () => {
    expect(decide(server(seen, "gpu-d", { reserved: true }))).toMatchObject({ reason: "needs-hands", fix });
    const worn = server(worldOf(calm).seen, "gpu-c", { resetDue: true });
    expect(decide(worn)).toMatchObject({ action: { kind: "stop-group", group: "b" } });
    expect(decide(server(worn, "gpu-d", { reserved: true }))).toMatchObject({ reason: "all-well" });
  });

  const stopped = (spare: boolean) => {
    const of = worldOf({ ...calm, spare }).seen;
    const empty = of.servers.map((one) => ({ ...one, fence: { fenced: true, reason: "empty" } }));
    return server(group({ ...of, servers: empty }, "b", { run: "stopped" }), "gpu-d", { reserved: true });
  };
  test("leaves the place to a spare once its group stands still, and is asked for by name where there is none", () => {
    expect(decide(stopped(true))).toMatchObject({ action: { kind: "remove-member", group: "b", server: "gpu-d" } });
    expect(decide(stopped(false))).toMatchObject({ kind: "escalate", reason: "needs-hands", fix });
  });
});
