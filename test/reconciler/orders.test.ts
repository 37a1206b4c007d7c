import { describe, expect, test } from "vitest";
import { decide } from "../../src/failover/decide.ts";
import type { Observed } from "../../src/failover/observed.ts";
import type { ModelServiceRequest } from "../../src/manifests/model-service/resource.ts";
import { stepOf } from "../../src/reconciler/orders.ts";
import { calm, type Start, worldOf } from "../failover/decide-world.ts";

const seenAt = (change: Partial<Start> = {}) => worldOf({ ...calm, ...change }).seen;
const asked = (kind: ModelServiceRequest["kind"], target: string, seen: Observed, askedMs = seen.atMs) => {
  const shown = { ...seen, switchoverTo: kind === "switchover" ? target : null };
  const request = { id: "1", kind, target, by: "ann", at: "2026-11-24T12:00:00.000Z" };
  return stepOf(request, askedMs, shown, decide(shown));
};
const withServer = (seen: Observed, name: string, change: Partial<Observed["servers"][number]>): Observed => ({
  ...seen,
  servers: seen.servers.map((server) => (server.name === name ? { ...server, ...change } : server)),
});
const withGroup = (seen: Observed, id: string, change: Partial<Observed["groups"][number]>): Observed => ({
  ...seen,
  groups: seen.groups.map((group) => (group.id === id ? { ...group, ...change } : group)),
});
const stopped = { run: "stopped" as const, podsLeft: 0 };
const out = { reserved: true, quarantine: { sinceMs: 0, remedy: "failover-support" as const } };

describe("one step of an order", () => {
  test.each<{ when: string; step: object; then: object }>([
    { when: "the decider moves it", step: asked("switchover", "b", seenAt()), then: { kind: "later" } },
    {
      when: "it has moved",
      step: asked("switchover", "a", seenAt()),
      then: { kind: "end", outcome: "done" },
    },
    {
      when: "no such group",
      step: asked("switchover", "z", seenAt()),
      then: { kind: "end", outcome: "refused", detail: "there is no group z" },
    },
    {
      when: "the standby cannot take over",
      step: asked(
        "switchover",
        "b",
        withGroup(seenAt(), "b", { takeover: { ready: false, reason: "a shard is missing" } }),
      ),
      then: { kind: "end", outcome: "refused", detail: "b: a shard is missing" },
    },
    {
      when: "the active group is broken: that is no switchover",
      step: asked("switchover", "b", seenAt({ a: "power" })),
      then: { kind: "end", outcome: "refused", detail: expect.stringContaining("tandem failover") },
    },
    {
      when: "a person has paused it",
      step: asked("switchover", "b", { ...seenAt(), paused: { by: "bob" } }),
      then: { kind: "end", outcome: "refused", detail: expect.stringContaining("paused by bob") },
    },
    {
      when: "a failover needs no readiness",
      step: asked("failover", "b", withGroup(seenAt(), "b", { takeover: { ready: false, reason: "unproven" } })),
      then: { kind: "act", decision: { action: { kind: "set-active", group: "b", why: "failover" } } },
    },
    {
      when: "a failover to a broken group",
      step: asked("failover", "b", seenAt({ b: "power" })),
      then: { kind: "end", outcome: "refused" },
    },
    {
      when: "the standby is taken apart",
      step: asked("rebuild", "b", seenAt()),
      then: { kind: "act", decision: { action: { kind: "stop-group", group: "b" } } },
    },
    {
      when: "it is on its way",
      step: asked("rebuild", "b", withGroup(seenAt(), "b", { run: "starting", runSinceMs: 20_000_000 })),
      then: { kind: "end", outcome: "done" },
    },
    {
      when: "while paused nobody would start it again",
      step: asked("rebuild", "b", { ...seenAt(), paused: { by: "bob" } }),
      then: { kind: "end", outcome: "refused", detail: "paused by bob; first: tandem resume" },
    },
    { when: "the active group", step: asked("rebuild", "a", seenAt()), then: { kind: "end", outcome: "refused" } },
    {
      when: "the only group that serves",
      step: asked("rebuild", "a", seenAt({ b: "power" })),
      then: { kind: "end", outcome: "refused", detail: "a is the only group that serves" },
    },
    {
      when: "a server of the active group: traffic first",
      step: asked("drain", "gpu-a", seenAt()),
      then: { kind: "act", decision: { action: { kind: "set-active", group: "b", why: "switchover" } } },
    },
    {
      when: "then its group",
      step: asked("drain", "gpu-c", seenAt()),
      then: { kind: "act", decision: { action: { kind: "stop-group", group: "b", why: "change" } } },
    },
    {
      when: "then the server",
      step: asked("drain", "gpu-c", withGroup(seenAt(), "b", stopped)),
      then: { kind: "server", order: { kind: "drain-server", server: "gpu-c" } },
    },
    {
      when: "it is out",
      step: asked("drain", "gpu-c", withServer(withGroup(seenAt(), "b", stopped), "gpu-c", out)),
      then: { kind: "end", outcome: "done" },
    },
    {
      when: "no other group could take over",
      step: asked("drain", "gpu-a", seenAt({ b: "power" })),
      then: { kind: "end", outcome: "refused", detail: expect.stringContaining("no group would serve") },
    },
    {
      when: "a spare is drained at once",
      step: asked("drain", "gpu-e", seenAt({ spare: true })),
      then: { kind: "server", order: { kind: "drain-server", server: "gpu-e" } },
    },
    {
      when: "it comes back",
      step: asked("return", "gpu-c", withServer(seenAt(), "gpu-c", out)),
      then: { kind: "server", order: { kind: "take-back", server: "gpu-c" } },
    },
    {
      when: "it is being checked",
      step: asked(
        "return",
        "gpu-c",
        withServer(seenAt(), "gpu-c", { ...out, reserved: false, treated: { remedy: "failover-support", atMs: 0 } }),
      ),
      then: { kind: "end", outcome: "done" },
    },
    { when: "it was never out", step: asked("return", "gpu-c", seenAt()), then: { kind: "end", outcome: "done" } },
  ])("$when", ({ step, then }) => {
    expect(step).toMatchObject(then);
  });
});
