import { describe, expect, test } from "vitest";
import { decide } from "../../src/failover/decide.ts";
import type { Action } from "../../src/failover/decision.ts";
import { isIntact } from "../../src/failover/intact.ts";
import {
  DEFAULT_POLICY,
  type GatewayReport,
  type GroupObserved,
  type Observed,
  type ServerObserved,
} from "../../src/failover/observed.ts";
import { checkInvariants, intact, run } from "./decide-run.ts";
import { calm, everyStart, type Start, type World, worldOf } from "./decide-world.ts";

const seenAt = (change: Partial<Start>) => worldOf({ ...calm, ...change }).seen;
const withGroup = (seen: Observed, id: string, change: Partial<GroupObserved>): Observed => ({
  ...seen,
  groups: seen.groups.map((group) => (group.id === id ? { ...group, ...change } : group)),
});
const withServers = (seen: Observed, change: Partial<ServerObserved>): Observed => ({
  ...seen,
  servers: seen.servers.map((server) => ({ ...server, ...change })),
});
/** The gateways have not followed the last word. */
const lateAt = (change: Partial<Start>): Observed => {
  const seen = seenAt(change);
  return { ...seen, gateways: seen.gateways.map((gateway) => ({ ...gateway, epoch: seen.epoch - 1 })) };
};

describe("one decision", () => {
  const at = calm;
  test.each<{ when: string; seen: Observed; then: object }>([
    { when: "all is well", seen: seenAt(at), then: { kind: "hold", reason: "all-well" } },
    {
      when: "another replica decides",
      seen: { ...seenAt({ a: "power" }), holdsLease: false },
      then: { reason: "not-leader" },
    },
    {
      when: "a person paused us",
      seen: { ...seenAt({ a: "power" }), paused: { by: "ann" } },
      then: { reason: "paused", detail: "paused by ann" },
    },
    {
      when: "the API server is away",
      seen: { ...seenAt({ a: "power" }), snapshotAtMs: 0 },
      then: { reason: "stale-snapshot" },
    },
    {
      when: "nobody is heard",
      seen: withServers(seenAt({ a: "power" }), { verdict: { state: "blind", sinceMs: 0, remedy: null, reason: "" } }),
      then: { reason: "nobody-heard" },
    },
    {
      when: "one server is unheard, tokens flow",
      seen: seenAt({ a: "unheard" }),
      then: { kind: "hold", reason: "all-well" },
    },
    {
      when: "the gateways moved",
      seen: seenAt({ a: "power", gateways: "moved" }),
      then: { action: { kind: "set-active", group: "b", epoch: 8, why: "adopt" } },
    },
    {
      when: "they moved from a group that is well: adopt, and touch nothing",
      seen: seenAt({ gateways: "moved" }),
      then: { action: { kind: "set-active", group: "b", why: "adopt" } },
    },
    {
      when: "they disagree for a second",
      seen: seenAt({ gateways: "split", ageMs: 1_000 }),
      then: { kind: "wait", reason: "gateways-disagree" },
    },
    {
      when: "they disagree longer: the word stays",
      seen: seenAt({ gateways: "split" }),
      then: { action: { kind: "set-active", group: "a", epoch: 8, why: "settle" } },
    },
    {
      when: "they disagree and the active group is broken",
      seen: seenAt({ a: "power", gateways: "split" }),
      then: { action: { group: "b", why: "settle" } },
    },
    {
      when: "they disagree, and the active group, which one of them uses, is not called ready yet",
      seen: withGroup(seenAt({ gateways: "split" }), "a", { run: "starting" }),
      then: { action: { group: "a", why: "settle" } },
    },
    {
      when: "they disagree, and nobody has had a token of the active group, which is not ready",
      seen: withGroup(seenAt({ gateways: "split" }), "a", { run: "starting", answeredMs: 0 }),
      then: { action: { group: "b", why: "settle" } },
    },
    {
      when: "a gateway has not heard our last word",
      seen: { ...seenAt({ gateways: "moved" }), epoch: 9 },
      then: { kind: "hold", reason: "all-well" },
    },
    {
      when: "no gateway moved and the group is broken",
      seen: seenAt({ a: "power" }),
      then: { action: { kind: "set-active", group: "b", why: "failover" } },
    },
    {
      when: "it is broken for a second",
      seen: seenAt({ a: "power", ageMs: 1_000 }),
      then: { kind: "wait", reason: "unconfirmed" },
    },
    {
      when: "two failovers in this hour",
      seen: seenAt({ a: "power", failovers: 2 }),
      then: { kind: "escalate", reason: "too-many-failovers" },
    },
    { when: "one failover in this hour", seen: seenAt({ a: "power", failovers: 1 }), then: { kind: "act" } },
    {
      when: "the fault came with the work",
      seen: withGroup(seenAt({ a: "reboot" }), "a", { follows: "workload" }),
      then: { kind: "escalate", reason: "follows-workload" },
    },
    {
      when: "it came with a change that the standby has not seen",
      seen: withGroup(seenAt({ a: "software" }), "a", { follows: "workload", revision: "v2" }),
      then: { action: { kind: "set-active", group: "b" } },
    },
    {
      when: "it ended the standby before, which has not seen the change",
      seen: withGroup(seenAt({ a: "software" }), "a", { follows: "workload", revision: "v2", twin: "b" }),
      then: { action: { kind: "stop-group", group: "a", why: "fault" } },
    },
    {
      when: "whoever isolated a lost server ended before its group was stopped, and Kubernetes still trusts its node",
      seen: withGroup(
        {
          ...seenAt({ b: "unheard" }),
          servers: seenAt({ b: "unheard" }).servers.map((server) =>
            server.name === "gpu-c"
              ? { ...server, nodeReady: true, quarantine: { sinceMs: 0, remedy: "failover-reboot" as const } }
              : server,
          ),
        },
        "b",
        { run: "starting" },
      ),
      then: { action: { kind: "stop-group", group: "b", why: "fault" } },
    },
    {
      when: "the standby's hardware broke",
      seen: seenAt({ b: "reset" }),
      then: { action: { kind: "quarantine", server: "gpu-c", remedy: "failover-reset" } },
    },
    {
      when: "the standby's software broke",
      seen: seenAt({ b: "software" }),
      then: { action: { kind: "stop-group", group: "b", why: "fault" } },
    },
    {
      when: "it crashed twice already",
      seen: withGroup(seenAt({ b: "software" }), "b", { restartsMs: [9_000_000, 9_500_000] }),
      then: { action: { kind: "stop-group", group: "b", why: "fault" } },
    },
    {
      when: "it crashed twice already, the last time a moment ago",
      seen: withGroup(seenAt({ b: "software" }), "b", { restartsMs: [9_000_000, 9_970_000] }),
      then: { kind: "escalate", reason: "too-many-restarts", detail: expect.stringContaining("again in 30 s") },
    },
    {
      when: "it loads after the third crash of this hour",
      seen: withGroup(seenAt(at), "b", { run: "starting", runSinceMs: 9_990_000, restartsMs: [9e6, 9.5e6, 9.9e6] }),
      then: { kind: "escalate", reason: "too-many-restarts", detail: expect.stringContaining("loads once more") },
    },
    {
      when: "the fault came with the work, and no gateway is there to leave: the group is started where it is",
      seen: withGroup(seenAt({ a: "software", gateways: "none" }), "a", { follows: "workload" }),
      then: { action: { kind: "stop-group", group: "a", why: "fault" } },
    },
    {
      when: "too many failovers, and it is the standby's hardware that broke: machines wait, traffic is served",
      seen: seenAt({ b: "reset", failovers: 3 }),
      then: { kind: "escalate", reason: "too-many-failovers" },
    },
    {
      when: "too many failovers, and the gateways are elsewhere already without having followed the last word",
      seen: lateAt({ a: "reset", gateways: "moved", failovers: 2 }),
      then: { action: { kind: "set-active", group: "b", why: "failover" } },
    },
    {
      when: "one of them is not",
      seen: lateAt({ a: "reset", gateways: "split", failovers: 2 }),
      then: { kind: "escalate", reason: "too-many-failovers" },
    },
    {
      when: "both groups are broken",
      seen: seenAt({ a: "support", b: "power" }),
      then: { kind: "act", action: { kind: "quarantine", server: "gpu-a" } },
    },
    {
      when: "the spec changed",
      seen: seenAt({ wanted: "v2" }),
      then: { action: { kind: "stop-group", group: "b", why: "change" } },
    },
    {
      when: "the standby did not turn green with it",
      seen: withGroup(seenAt({ wanted: "v2" }), "b", { failedRevision: "v2" }),
      then: { kind: "escalate", reason: "change-failed" },
    },
    {
      when: "the standby has it",
      seen: withGroup(seenAt({ wanted: "v2" }), "b", { revision: "v2" }),
      then: { action: { kind: "set-active", group: "b", why: "switchover" } },
    },
    {
      when: "the standby has it and is not ready",
      seen: withGroup(seenAt({ wanted: "v2" }), "b", { revision: "v2", takeover: { ready: false, reason: "cold" } }),
      then: { kind: "escalate", reason: "change-failed" },
    },
    {
      when: "a person asks for a move",
      seen: { ...seenAt(at), switchoverTo: "b" },
      then: { action: { group: "b", why: "switchover" } },
    },
    {
      when: "to the group that is active",
      seen: { ...seenAt(at), switchoverTo: "a" },
      then: { kind: "hold", reason: "all-well" },
    },
    {
      when: "to a group that there is not",
      seen: { ...seenAt(at), switchoverTo: "x" },
      then: { kind: "escalate", reason: "cannot-take-over" },
    },
    {
      when: "to a group that cannot",
      seen: { ...seenAt({ b: "unheard" }), switchoverTo: "b" },
      then: { kind: "escalate", reason: "cannot-take-over" },
    },
  ])("$when", ({ seen, then }) => expect(decide(seen)).toMatchObject(then));

  test("a server in quarantine whose group serves is not touched, and let go when it is well", () => {
    const quarantine = { sinceMs: 0, remedy: "failover-reset" } as const;
    const inB = (change: Partial<ServerObserved>): Observed => {
      const seen = seenAt(at);
      const servers = seen.servers.map((server) =>
        server.name === "gpu-c" ? { ...server, quarantine, ...change } : server,
      );
      return { ...seen, servers };
    };
    const verdict = { state: "blind", sinceMs: 0, remedy: null, reason: "silent" } as const;
    expect(decide(inB({ verdict }))).toMatchObject({ kind: "hold" });
    expect(decide(inB({}))).toMatchObject({ action: { kind: "return-server", server: "gpu-c" } });
  });

  test("a server that was only silent, and has no BMC, needs nobody's hands; one with a fault, or a BMC, is booted", () => {
    const quarantine = { sinceMs: 0, remedy: "failover-reboot" } as const;
    const fence = { fenced: true, reason: "heard with no process on any GPU" };
    const inB = (change: Partial<ServerObserved>): Observed => {
      const seen = withGroup(seenAt(at), "b", { run: "stopped" });
      const servers = seen.servers.map((server) =>
        server.name === "gpu-c" ? { ...server, bmc: false, quarantine, fence, ...change } : server,
      );
      return { ...seen, servers };
    };
    const well = { state: "healthy", sinceMs: 0, remedy: null, reason: "" } as const;
    const broken = { ...well, state: "suspect", remedy: "failover-reboot", reason: "XID 79" } as const;
    const boot = { action: { kind: "treat", server: "gpu-c", remedy: "failover-reboot" } };
    expect(decide(inB({}))).toMatchObject({ action: { kind: "validate", server: "gpu-c" } });
    expect(decide(inB({ validated: true }))).toMatchObject({ action: { kind: "return-server", server: "gpu-c" } });
    expect(decide(inB({ told: false }))).toMatchObject({ kind: "wait" });
    expect(decide(inB({ verdict: broken }))).toMatchObject(boot);
    expect(decide(inB({ failedChecks: 1 }))).toMatchObject(boot);
    expect(decide(inB({ bmc: true }))).toMatchObject(boot);
    expect(decide(inB({ fence: { fenced: false, reason: "ranks run" } }))).not.toMatchObject({ kind: "act" });
  });

  const slow = (seen: Observed) =>
    withGroup(seen, "a", { verdict: { ...(seen.groups[0] as GroupObserved).verdict, wantsSwitch: true } });
  test("a slow group is left without an error, but not twice in half an hour", () => {
    expect(decide(slow(seenAt(at)))).toMatchObject({ reason: "slow", action: { group: "b", why: "switchover" } });
    expect(decide(slow(seenAt({ failovers: 1 })))).toMatchObject({ kind: "wait", reason: "cooling-down" });
    const seen = slow(seenAt(at));
    const moved = (agoMs: number) => decide({ ...seen, movedMs: seen.atMs - agoMs });
    expect(moved(60_000), "it came here because the other one was slow").toMatchObject({ reason: "cooling-down" });
    expect(moved(1_900_000)).toMatchObject({ reason: "slow" });
  });

  test("a reset that is due is made where nobody is served: on a spare, or on a standby that is stopped for it", () => {
    const worn = (seen: Observed, name: string, more: Partial<ServerObserved> = {}): Observed => ({
      ...seen,
      servers: seen.servers.map((one) => (one.name === name ? { ...one, resetDue: true, ...more } : one)),
    });
    const stop = { action: { kind: "stop-group", group: "b", why: "change" } };
    expect(decide(worn(seenAt(at), "gpu-d"))).toMatchObject(stop);
    expect(decide(worn(seenAt({ spare: true }), "gpu-e"))).toMatchObject({
      action: { kind: "quarantine", server: "gpu-e", remedy: "failover-reset" },
    });
    // The active group's waits until it stands by; a person's server, and whatever is not heard, is left alone.
    expect(decide(worn(seenAt(at), "gpu-a"))).toMatchObject({ reason: "all-well" });
    expect(decide(worn(seenAt(at), "gpu-d", { reserved: true }))).toMatchObject({ reason: "all-well" });
    expect(decide(worn(seenAt({ a: "unheard" }), "gpu-d"))).not.toMatchObject({ kind: "act" });
    const mute = withGroup(worn(seenAt(at), "gpu-d"), "a", { answeredMs: seenAt(at).atMs - 6_000 });
    expect(decide(mute)).not.toMatchObject({ kind: "act" });
    const { answeredMs: _, ...untold } = seenAt(at).groups[0] as GroupObserved;
    const silent = worn(seenAt(at), "gpu-d");
    expect(decide({ ...silent, groups: [untold, ...silent.groups.slice(1)] })).toMatchObject({ reason: "all-well" });
    expect(decide(worn(seenAt(at), "gpu-d"), { ...DEFAULT_POLICY, mode: "manual" })).toMatchObject({
      reason: "all-well",
    });
  });

  test("who was isolated half-way, and whose group serves again, is repaired: a group that is active hands over first", () => {
    const quarantine = { sinceMs: 0, remedy: "failover-reset" as const };
    const verdict = { state: "suspect" as const, sinceMs: 0, remedy: quarantine.remedy, reason: "XID 31, twice" };
    const left = (seen: Observed, name: string): Observed => ({
      ...seen,
      servers: seen.servers.map((one) => (one.name === name ? { ...one, quarantine, verdict } : one)),
    });
    const stop = { reason: "repair", action: { kind: "stop-group", group: "b", why: "change" } };
    expect(decide(left(seenAt(at), "gpu-d"))).toMatchObject(stop);
    const half = withGroup(seenAt({ wanted: "v2" }), "b", { revision: "v2" });
    expect(decide(left(half, "gpu-d")), "before traffic goes there with a new revision").toMatchObject(stop);
    const move = { reason: "repair", action: { kind: "set-active", group: "b", why: "switchover" } };
    expect(decide(left(seenAt(at), "gpu-a"))).toMatchObject(move);
    const unready = withGroup(seenAt(at), "b", { takeover: { ready: false, reason: "its proof is old" } });
    expect(decide(left(unready, "gpu-a"))).toMatchObject({ reason: "all-well" });
    expect(decide(left(seenAt(at), "gpu-a"), { ...DEFAULT_POLICY, mode: "manual" })).toMatchObject({
      reason: "all-well",
    });
  });

  test("nothing planned happens while a gateway uses another group: it may know what is wrong with this one", () => {
    const [one, ...rest] = seenAt(at).gateways;
    const late = { ...(one as GatewayReport), group: "b", epoch: 0 };
    const split = (seen: Observed): Observed => ({ ...seen, gateways: [late, ...rest] });
    expect(decide(split(seenAt({ wanted: "v2" })))).toMatchObject({ kind: "hold" });
    expect(decide(split(slow(seenAt(at))))).toMatchObject({ kind: "hold" });
    expect(decide(split({ ...seenAt(at), switchoverTo: "b" }))).toMatchObject({ reason: "asked" });
  });

  test("a row that a reset does not remap asks for a boot, then for a person; a later one for another reset", () => {
    const { atMs, ...seen } = seenAt(at);
    const treatedMs = atMs - 100_000;
    const reset = (remedy: "failover-reset" | "failover-reboot", sinceMs: number): Observed => ({
      ...withGroup({ ...seen, atMs }, "b", { run: "stopped" }),
      servers: seen.servers.map((one) =>
        one.name === "gpu-d"
          ? {
              ...one,
              resetDue: true,
              bmc: true,
              verdict: { ...one.verdict, sinceMs },
              fence: { fenced: true, reason: "empty" },
              quarantine: { sinceMs: 0, remedy: "failover-reset" as const },
              treated: { remedy, atMs: treatedMs, done: true },
            }
          : one,
      ),
    });
    const soon = reset("failover-reset", treatedMs - 1);
    expect(decide({ ...soon, atMs: treatedMs + 10_000, snapshotAtMs: treatedMs + 10_000 })).toMatchObject({
      kind: "wait",
      reason: "treating",
    });
    expect(decide(soon)).toMatchObject({ action: { kind: "treat", server: "gpu-d", remedy: "failover-reboot" } });
    const boot = reset("failover-reboot", treatedMs - 1);
    const later = { ...boot, atMs: atMs + 2_000_000, snapshotAtMs: atMs + 2_000_000 };
    expect(decide(later)).toMatchObject({ kind: "escalate", reason: "needs-hands" });
    expect(decide(reset("failover-reset", treatedMs + 1))).toMatchObject({
      action: { kind: "treat", server: "gpu-d", remedy: "failover-reset" },
    });
  });

  test("a new revision starts in company only; a group that is alone comes back as it was", () => {
    const empty = { fence: { fenced: true, reason: "empty" } };
    const stopped = (seen: Observed, id: string) => withGroup(withServers(seen, empty), id, { run: "stopped" });
    const one = stopped(seenAt({ wanted: "v2" }), "b");
    expect(decide(one)).toMatchObject({ action: { kind: "start-group", group: "b", revision: "v2" } });
    expect(decide(stopped(one, "a"))).toMatchObject({ action: { kind: "start-group", group: "a", revision: "v1" } });
    const tried = withGroup(stopped(seenAt({ wanted: "v2" }), "b"), "a", { failedRevision: "v2" });
    expect(decide(tried)).toMatchObject({ action: { kind: "start-group", group: "b", revision: "v1" } });
  });

  test("a group whose revision is given up is stopped without a pause, and not started with it again", () => {
    const seen = seenAt({ b: "software", wanted: "v2" });
    const restarted = { run: "starting", revision: "v2", restartsMs: [seen.atMs - 1], follows: "workload" } as const;
    expect(decide(withGroup(seen, "b", restarted))).toMatchObject({ kind: "escalate", reason: "follows-workload" });
    const given = withGroup(seen, "b", { ...restarted, isRevisionToBlame: true });
    expect(decide(given)).toMatchObject({ action: { kind: "stop-group", group: "b", why: "fault" } });
    const empty = withServers(seen, { fence: { fenced: true, reason: "empty" } });
    const { verdict } = seenAt(at).groups[1] as GroupObserved;
    const stopped = withGroup(empty, "b", { run: "stopped", revision: "v2", failedRevision: "v2", verdict });
    expect(decide(stopped)).toMatchObject({ kind: "escalate", reason: "change-failed" });
  });

  test("a start with a revision that the spec has taken back ends at once, and what serves is left alone", () => {
    const bad = (change: Partial<GroupObserved>, start: Partial<typeof at> = {}) =>
      withGroup(seenAt({ wanted: "v1", ...start }), "b", {
        run: "starting",
        revision: "v2",
        failedRevision: "v2",
        ...change,
      });
    const ends = { kind: "act", action: { kind: "stop-group", group: "b", why: "change" } };
    expect(decide(bad({}))).toMatchObject(ends);
    // It crashes again and again: no pause between restarts holds this up.
    const { verdict } = seenAt({ b: "software" }).groups[1] as GroupObserved;
    const restartsMs = Array.from({ length: 9 }, () => seenAt(at).atMs - 1);
    expect(decide(bad({ verdict, restartsMs }))).toMatchObject(ends);
    // Not where it is the only one left, where nobody could tell that it has ended, or where it serves.
    expect(decide(bad({}, { a: "power" }))).not.toMatchObject({ action: { why: "change" } });
    expect(decide(bad({ verdict: { ...verdict, state: "blind" } }))).not.toMatchObject({ kind: "act" });
    expect(decide(bad({ revision: "v1" }))).not.toMatchObject({ kind: "act" });
    // What the other group serves with is known to be good: half a load is not thrown away for a change.
    expect(decide(bad({ revision: "v1", failedRevision: null }, { wanted: "v2" }))).not.toMatchObject({ kind: "act" });
  });

  const change = (seen: Observed, name: string, one: Partial<ServerObserved>): Observed => ({
    ...seen,
    servers: seen.servers.map((server) => (server.name === name ? { ...server, ...one } : server)),
  });
  const stoppedB = (seen: Observed) =>
    withGroup(withServers(seen, { fence: { fenced: true, reason: "empty" } }), "b", { run: "stopped", runSinceMs: 0 });
  const blindFor = (ms: number, seen: Observed) => ({
    state: "blind" as const,
    sinceMs: seen.atMs - ms,
    remedy: null,
    reason: "silent",
  });

  test("a group is not stopped for a change while a server of it is not heard: nobody could tell when it is empty", () => {
    const young = seenAt({ b: "unheard", wanted: "v2", ageMs: 1_000 });
    expect(decide(young)).toMatchObject({ kind: "wait", reason: "unconfirmed" });
    expect(decide({ ...young, atMs: young.atMs + 40_000, snapshotAtMs: young.atMs + 40_000 })).toMatchObject({
      kind: "escalate",
      reason: "not-fenced",
    });
  });

  test("a group is not stopped for a change while the one that would serve alone does not answer", () => {
    const seen = seenAt({ wanted: "v2" });
    const silentFor = (ms: number) => decide(withGroup(seen, "a", { answeredMs: seen.atMs - ms }));
    const change = { action: { kind: "stop-group", group: "b", why: "change" } };
    expect(decide(seen)).toMatchObject(change);
    expect(silentFor(DEFAULT_POLICY.answersWithinMs)).toMatchObject(change);
    expect(silentFor(DEFAULT_POLICY.answersWithinMs + 1)).toMatchObject({ kind: "wait", reason: "unconfirmed" });
    expect(silentFor(DEFAULT_POLICY.lostAfterMs)).toMatchObject({ kind: "escalate", reason: "cannot-take-over" });
  });

  test("the word does not go to a group of which nobody has had a token lately", () => {
    const seen = seenAt({ a: "software", gateways: "none" });
    const answered = (ms: number) => decide(withGroup(seen, "b", { answeredMs: seen.atMs - ms }));
    expect(decide(seen)).toMatchObject({ action: { kind: "set-active", group: "b" } });
    expect(answered(1_000)).toMatchObject({ action: { kind: "set-active", group: "b" } });
    expect(answered(60_000)).not.toMatchObject({ action: { kind: "set-active" } });
  });

  test("a group is not started on a server that is broken or gone by now", () => {
    const seen = stoppedB(seenAt(at));
    const verdict = { state: "suspect" as const, sinceMs: 0, remedy: "failover-reset" as const, reason: "XID 95" };
    expect(decide(change(seen, "gpu-d", { verdict }))).toMatchObject({
      action: { kind: "quarantine", server: "gpu-d" },
    });
    const silent = (ms: number, nodeReady: boolean) =>
      decide(change(seen, "gpu-d", { verdict: blindFor(ms, seen), nodeReady }));
    expect(silent(5_000, false)).toMatchObject({ kind: "wait" });
    expect(silent(40_000, false)).toMatchObject({ action: { kind: "quarantine", server: "gpu-d" } });
    expect(silent(40_000, true)).toMatchObject({ kind: "escalate", reason: "not-fenced" });
    // A person who has it in hand is told, and nothing is done to it nor started on it.
    for (const one of [{ verdict }, { verdict: blindFor(10, seen) }])
      expect(decide(change(seen, "gpu-d", { ...one, reserved: true }))).toMatchObject({
        kind: "escalate",
        reason: "needs-hands",
        fix: "kubectl uncordon gpu-d",
      });
  });

  test("a member that nobody hears is given up only if its group does not serve and Kubernetes does not hear it either", () => {
    const seen = withGroup(seenAt(at), "b", { run: "starting", runSinceMs: 9_990_000 });
    const lost = (ms: number, nodeReady: boolean, all = seen) =>
      decide(change(all, "gpu-c", { verdict: blindFor(ms, all), nodeReady }));
    expect(lost(40_000, false)).toMatchObject({ action: { kind: "quarantine", server: "gpu-c" } });
    expect(lost(10_000, false)).toMatchObject({ kind: "wait", reason: "starting" });
    expect(lost(40_000, true)).toMatchObject({ kind: "wait", reason: "starting" });
    expect(lost(40_000, false, seenAt(at))).toMatchObject({ kind: "hold", reason: "all-well" });
  });

  test("a group whose isolation was begun and could not be ended is stopped, though its server is heard again", () => {
    const half = {
      quarantine: { sinceMs: 0, remedy: "failover-reboot" as const },
      fence: { fenced: true, reason: "" },
    };
    const starting = withGroup(seenAt(at), "b", { run: "starting", runSinceMs: 9_990_000 });
    expect(decide(starting)).toMatchObject({ kind: "wait", reason: "starting" });
    expect(decide(change(starting, "gpu-d", half))).toMatchObject({
      reason: "isolate",
      action: { kind: "stop-group", group: "b" },
      detail: "b does not serve, and gpu-d is in quarantine",
    });
  });

  test("a group that a gateway uses is not left because Kubernetes does not call it ready yet", () => {
    const loading = withGroup(seenAt(at), "a", { run: "starting", runSinceMs: 9_990_000 });
    expect(decide(loading)).toMatchObject({ kind: "wait", reason: "starting" });
    expect(decide({ ...loading, gateways: [] })).toMatchObject({ action: { kind: "set-active", group: "b" } });
    const cold = withGroup({ ...loading, gateways: [] }, "b", { takeover: { ready: false, reason: "unanswered" } });
    expect(decide(cold)).toMatchObject({ kind: "wait", reason: "starting" });
  });

  test("a treatment is given its time, and a check that fails asks for the next rung", () => {
    const quarantine = { sinceMs: 0, remedy: "failover-reset" as const };
    const fence = { fenced: true, reason: "empty" };
    const verdict = { state: "suspect" as const, sinceMs: 1_000, remedy: "failover-reset" as const, reason: "XID 95" };
    const treatedFor = (ms: number, one: Partial<ServerObserved>) => {
      const seen = stoppedB(seenAt(at));
      const treated = { remedy: "failover-reset" as const, atMs: seen.atMs - ms };
      return decide(change(seen, "gpu-d", { quarantine, fence, treated, ...one }));
    };
    expect(treatedFor(5_000, { verdict })).toMatchObject({ kind: "wait", reason: "treating" });
    expect(treatedFor(90_000, { verdict })).toMatchObject({ action: { kind: "treat", remedy: "failover-reboot" } });
    const lastWord = { ...verdict, remedy: "failover-support" as const, heard: false };
    const dark = { verdict: lastWord, treated: null, outOfService: true, power: "off" as const };
    expect(treatedFor(0, dark)).toMatchObject({ action: { kind: "treat", remedy: "failover-reboot" } });
    const verdictAway = { ...verdict, state: "blind" as const, remedy: null };
    expect(treatedFor(90_000, { verdict: verdictAway })).toMatchObject({
      action: { kind: "treat", remedy: "failover-reboot" },
    });
    expect(treatedFor(5_000, { treated: { remedy: "failover-reboot", atMs: 9_995_000, done: false } })).toMatchObject({
      reason: "treating",
    });
    expect(treatedFor(5_000, {})).toMatchObject({ action: { kind: "validate", server: "gpu-d" } });
    expect(treatedFor(5_000, { failedChecks: 1 })).toMatchObject({
      action: { kind: "treat", remedy: "failover-reboot" },
    });
  });

  test("a server that does not come back is started once more by its BMC, before a person is called", () => {
    const quarantine = { sinceMs: 0, remedy: "failover-reboot" as const };
    const fence = { fenced: true, reason: "its BMC says that it is off" };
    const verdict = { state: "blind" as const, sinceMs: 1_000, remedy: null, reason: "not heard" };
    const afterBoot = (one: Partial<ServerObserved>, tries?: number) => {
      const seen = stoppedB(seenAt({}));
      const treated = { remedy: "failover-reboot" as const, atMs: 7_000_000, done: false, ...(tries && { tries }) };
      return decide(change(seen, "gpu-d", { quarantine, fence, treated, verdict, outOfService: true, ...one }));
    };
    const again = { action: { kind: "treat", server: "gpu-d", remedy: "failover-reboot" } };
    expect(afterBoot({ bmc: true })).toMatchObject(again);
    expect(afterBoot({ bmc: true }, 1)).toMatchObject(again);
    const called = { kind: "escalate", reason: "needs-hands", detail: expect.stringContaining("does not come back") };
    expect(afterBoot({ bmc: true }, 2)).toMatchObject(called);
    expect(afterBoot({ bmc: false })).toMatchObject(called);
  });

  test("a fresh observer judges no group before each of its servers has told what it knows, for a while", () => {
    const seen = seenAt({ b: "software" });
    const heardLate = (ms: number, told: boolean) =>
      decide({ ...change(seen, "gpu-d", { told }), listensSinceMs: seen.atMs - ms });
    expect(heardLate(20, false)).toMatchObject({ kind: "wait", detail: expect.stringContaining("gpu-d has not told") });
    expect(heardLate(20, true)).toMatchObject({ action: { kind: "stop-group", group: "b" } });
    expect(heardLate(3_000, false)).toMatchObject({ action: { kind: "stop-group", group: "b" } });
  });

  test("a power-off that its BMC took and did not carry out is asked for again", () => {
    const asked = (ms: number, power: ServerObserved["power"]) => {
      const seen = stoppedB(seenAt(at));
      const times = { quarantine: { sinceMs: 0, remedy: "failover-reboot" as const }, powerOffAskedMs: seen.atMs - ms };
      const fence = { fenced: false, reason: "not heard" };
      return decide(change(seen, "gpu-d", { ...times, fence, power, verdict: blindFor(60_000, seen) }));
    };
    expect(asked(20_000, "on")).toMatchObject({ action: { kind: "power-off", server: "gpu-d" } });
    expect(asked(10_000, "on")).toMatchObject({ kind: "escalate", reason: "not-fenced" });
    expect(asked(20_000, "unknown")).toMatchObject({ kind: "escalate", reason: "not-fenced" });
  });

  test("by hand means that a person decides, and says how", () => {
    const manual = { ...DEFAULT_POLICY, mode: "manual" } as const;
    expect(decide(seenAt({ a: "power" }), manual)).toMatchObject({
      reason: "manual-mode",
      fix: "run: tandem failover --to b",
    });
    // Gateways ask no mode: they are followed, and what they left stays as it is until a person says so.
    const moved = seenAt({ a: "power", gateways: "moved" });
    expect(decide(moved, manual)).toMatchObject({ action: { kind: "set-active", group: "b", why: "adopt" } });
    expect(decide({ ...moved, active: "b" }, manual)).toMatchObject({
      kind: "escalate",
      reason: "manual-mode",
      fix: "run: tandem failover --rebuild a",
    });
  });

  test("a server that a person cordoned is no spare", () => {
    let world = worldOf({ ...calm, a: "support", bmc: false, spare: true, gateways: "moved" });
    world = {
      ...world,
      seen: {
        ...world.seen,
        servers: world.seen.servers.map((server) => (server.name === "gpu-e" ? { ...server, reserved: true } : server)),
      },
    };
    const { actions, last } = run(world);
    expect(actions.map(({ kind }) => kind)).not.toContain("add-member");
    expect(last).toMatchObject({ kind: "escalate", reason: "needs-hands" });
  });
});

describe("from every start", () => {
  const starts = [...everyStart()];

  test(`no invariant is broken, and it ends well or with what a person must do (${starts.length} starts)`, () => {
    for (const start of starts) {
      const trace = JSON.stringify(start); // the failing case is its own reproduction
      const { actions, last, world } = run(worldOf(start), (before, action, after) =>
        checkInvariants(before, action, after, `${trace} ${JSON.stringify(action)}`),
      );
      expect(actions.length, trace).toBeLessThan(60);
      expect(actions.filter(({ kind }) => kind === "set-active").length, trace).toBeLessThanOrEqual(3);
      const allServe = world.seen.groups.every(({ run }) => run === "serving") && intact(world) === 2;
      if (last.kind !== "escalate")
        expect({ last, allServe }, trace).toMatchObject({ last: { reason: "all-well" }, allServe: true });
      const active = world.seen.groups.find(({ id }) => id === world.seen.active) as GroupObserved;
      if (intact(world) > 0 && last.kind !== "escalate") expect(isIntact(active), trace).toBe(true);
    }
  }, 120_000);

  test("what needs no hands is mended without a person: one fault, a BMC or a server that answers", () => {
    const curable = starts.filter(
      ({ a, b, bmc, failovers, wanted }) =>
        failovers === 0 &&
        // A change waits for whoever is not heard.
        !([a, b].includes("unheard") && wanted === "v2") &&
        [a, b].includes("none") &&
        [a, b].every((fault) => fault !== "support" && (fault !== "power" || bmc)),
    );
    expect(curable.length).toBeGreaterThan(300);
    for (const start of curable) {
      const { last, world } = run(worldOf(start));
      const trace = JSON.stringify(start);
      expect(last, trace).toMatchObject({ kind: "hold", reason: "all-well" });
      expect(
        world.seen.groups.map(({ revision }) => revision),
        trace,
      ).toEqual([start.wanted, start.wanted]);
    }
  });

  test("no brake keeps a group down that only crashed, nor any group while none is intact", () => {
    const count = [0, 1, 2, 5];
    const cases = starts.filter(
      ({ a, b, ageMs, bmc, spare, wanted, failovers, gateways }) =>
        ageMs === 10_000 && bmc && !spare && wanted === "v1" && failovers === 3 && gateways !== "split" && a !== b,
    );
    const mends = (fault: Start["a"]) => ["none", "software", "reset", "reboot"].includes(fault);
    let tried = 0;
    for (const start of cases.filter(({ a, b }) => mends(a) && mends(b)).flatMap((one) => [one, { ...one, b: one.a }]))
      for (const restarts of count)
        for (const workload of [true, false])
          for (const failovers of [0, 2, 3, 6]) {
            let { seen, ...rest } = worldOf({ ...start, failovers });
            const restartsMs = Array.from({ length: restarts }, (_, n) => seen.atMs - 5_000 - 60_000 * n).reverse();
            for (const id of ["a", "b"])
              seen = withGroup(seen, id, { restartsMs, ...(workload ? { follows: "workload" as const } : {}) });
            const trace = JSON.stringify({ ...start, restarts, workload, failovers });
            const check = (before: World, action: Action, after: World) =>
              checkInvariants(before, action, after, `${trace} ${JSON.stringify(action)}`);
            // Longer than the longest pause between two starts.
            const { world } = run({ ...rest, seen }, check, 22);
            // A machine may wait for a person while the other group serves; a group that crashed may not.
            const isOnlyCrashed = [start.a, start.b].every((fault) => fault === "none" || fault === "software");
            expect(intact(world), trace).toBeGreaterThanOrEqual(isOnlyCrashed ? 2 : 1);
            tried += 1;
          }
    expect(tried).toBeGreaterThan(1_000);
  }, 60_000);

  test("a spare makes the group whole again whatever its old server needs", () => {
    for (const a of ["support", "power"] as const) {
      const { actions, world } = run(worldOf({ ...calm, a, bmc: false, spare: true, gateways: "moved" }));
      expect(intact(world)).toBe(2);
      expect(world.seen.groups[0]?.members).toEqual(["gpu-b", "gpu-e"]);
      expect(world.seen.active).toBe("b");
      expect(actions.filter(({ kind }) => kind === "set-active")).toHaveLength(1);
    }
  });

  test("nothing is done on silence alone", () => {
    for (const start of starts.filter(
      ({ a, b, wanted, gateways }) =>
        [a, b].every((fault) => fault === "none" || fault === "unheard") && wanted === "v1" && gateways === "agree",
    )) {
      expect(run(worldOf(start)).actions, JSON.stringify(start)).toEqual([]);
    }
  });
});

test("the whole way after a power cut, with a BMC and no spare", () => {
  const { actions } = run(worldOf({ ...calm, a: "power", gateways: "moved" }));
  expect(actions.map(({ kind }) => kind)).toEqual([
    "set-active",
    "quarantine",
    "stop-group",
    "delete-pods",
    "power-off",
    "mark-out-of-service",
    "treat",
    "validate",
    "return-server",
    "start-group",
  ]);
});
