import { describe, expect, test } from "vitest";
import { strandedOf } from "../../src/failover/choose/stranded.ts";
import type { GatewayView, GroupView } from "../../src/failover/choose/view.ts";
import { choose } from "../../src/failover/choose.ts";
import { AT, fault, group, idle, server, view } from "./views.ts";

/** The second server has a rank that was stopped so long ago. */
const stopped = (agoMs: number, lastHeardMs = AT - 100) => [
  server("gpu-a"),
  server("gpu-b", { lastHeardMs, stopped: { rank: 9, pid: 71, sinceMs: AT - agoMs } }),
];
const silentB = [server("gpu-a"), server("gpu-b", { lastHeardMs: AT - 650 })];
const quiet = AT - 640;
/** It refuses, since it is not there yet, and never was. */
const firstLoad = (id: string, more: Partial<GroupView> = {}) =>
  idle(id, {
    canary: { askedMs: null, answeredMs: null, failedMs: AT - 5 },
    engine: "starting",
    wellSinceMs: null,
    hasServed: false,
    ...more,
  });

describe("what moves traffic, and what does not", () => {
  test.each<[string, Partial<GatewayView>, string, string]>([
    ["nothing is wrong", {}, "use a", "group a serves"],
    [
      "a fatal kernel-log line",
      { groups: [group("a", { faults: [fault("XID 79 on 0000:0b:00: off the bus")] }), idle("b")] },
      "use b",
      "group a: gpu-a: XID 79 on 0000:0b:00: off the bus",
    ],
    [
      "a dead rank",
      { groups: [group("a", { faults: [fault("rank 3 (pid 7) exited", { software: true })] }), idle("b")] },
      "use b",
      "group a: gpu-a: rank 3 (pid 7) exited",
    ],
    [
      "the hardware's word explains the dead rank before it",
      {
        groups: [
          group("a", {
            faults: [fault("rank 3 (pid 7) exited", { software: true, atMs: AT - 9 }), fault("XID 79: gone")],
          }),
          idle("b"),
        ],
      },
      "use b",
      "group a: gpu-a: XID 79: gone",
    ],
    [
      "one broken connection is chance",
      { groups: [group("a", { breaks: [{ atMs: AT - 10, how: "reset" }] }), idle("b")] },
      "use a",
      "group a serves",
    ],
    [
      "two broken connections",
      {
        groups: [
          group("a", {
            breaks: [
              { atMs: AT - 30, how: "reset" },
              { atMs: AT - 10, how: "closed" },
            ],
          }),
          idle("b"),
        ],
      },
      "use b",
      "group a: 2 connections broke (reset, closed)",
    ],
    [
      "two broken connections, seconds apart",
      {
        groups: [
          group("a", {
            breaks: [
              { atMs: AT - 1900, how: "reset" },
              { atMs: AT - 10, how: "closed" },
            ],
          }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves",
    ],
    [
      "one broken connection and the agent's word",
      { groups: [group("a", { breaks: [{ atMs: AT - 10, how: "reset" }], engine: "unreachable" }), idle("b")] },
      "use b",
      "group a: 1 connection broke (reset) and its agent calls the engine unreachable",
    ],
    [
      "the agent's word alone",
      { groups: [group("a", { engine: "unreachable" }), idle("b")] },
      "use a",
      "group a serves",
    ],
    [
      "a refused canary",
      { groups: [group("a", { canary: { askedMs: null, answeredMs: AT - 1500, failedMs: AT - 5 } }), idle("b")] },
      "use b",
      "group a: its engine refuses requests",
    ],
    [
      "a refused canary, but a token since",
      {
        groups: [
          group("a", { lastTokenMs: AT - 1, canary: { askedMs: null, answeredMs: null, failedMs: AT - 5 } }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves",
    ],
    [
      "a rank that is stopped, and no token for a second",
      { groups: [group("a", { servers: stopped(1000), lastTokenMs: AT - 1010 }), idle("b")] },
      "use b",
      "group a: gpu-b: rank 9 (pid 71) is stopped, and no token came for 1.0 s",
    ],
    [
      "the same, a moment sooner",
      { groups: [group("a", { servers: stopped(990), lastTokenMs: AT - 1010 }), idle("b")] },
      "use a",
      "group a serves",
    ],
    [
      "a rank that is stopped, but tokens come",
      { groups: [group("a", { servers: stopped(9000), lastTokenMs: AT - 900 }), idle("b")] },
      "use a",
      "group a serves",
    ],
    [
      "a rank that is stopped in a group that nobody waits for",
      { groups: [idle("a", { servers: stopped(9000) }), idle("b")] },
      "use a",
      "group a serves",
    ],
    [
      "a rank that was stopped when its agent was last heard, half a second ago",
      { groups: [group("a", { servers: stopped(9000, AT - 500), lastTokenMs: AT - 1500 }), idle("b")] },
      "use a",
      "group a serves",
    ],
    ["no token for 4.9 s", { groups: [group("a", { lastTokenMs: AT - 4900 }), idle("b")] }, "use a", "group a serves"],
    [
      "no token for 5 s",
      { groups: [group("a", { lastTokenMs: AT - 5000 }), idle("b")] },
      "use b",
      "group a: no token for 5.0 s while requests wait",
    ],
    [
      "no token for a minute, but nobody waits",
      { groups: [group("a", { lastTokenMs: AT - 60_000, waitingSinceMs: null }), idle("b")] },
      "use a",
      "group a serves",
    ],
    [
      "the first request after a minute of idleness",
      { groups: [group("a", { lastTokenMs: AT - 60_000, waitingSinceMs: AT - 900 }), idle("b")] },
      "use a",
      "group a serves",
    ],
    [
      "an idle group's canary unanswered for 5 s",
      { groups: [idle("a", { canary: { askedMs: AT - 5000, answeredMs: AT - 7000, failedMs: null } }), idle("b")] },
      "use b",
      "group a: no token for 5.0 s while requests wait",
    ],
    [
      "a server is silent, and so are the tokens",
      { groups: [group("a", { servers: silentB, lastTokenMs: quiet }), idle("b")] },
      "use b",
      "group a: gpu-b is silent for 650 ms, its neighbours are heard, and no token came from group a in that time",
    ],
    ...[600, 599].map((askedMs): [string, Partial<GatewayView>, string, string] => [
      `a server is silent, its group has one answer in one piece, and a canary is unanswered for ${askedMs} ms`,
      {
        groups: [
          group("a", {
            servers: silentB,
            lastTokenMs: null,
            waitingSinceMs: null,
            canary: { askedMs: AT - askedMs, answeredMs: AT - 2000, failedMs: null },
          }),
          idle("b"),
        ],
      },
      askedMs === 600 ? "use b" : "use a",
      askedMs === 600
        ? "group a: gpu-b is silent for 650 ms, its neighbours are heard, and group a does not answer a canary"
        : "group a serves; gpu-b is not heard: its group is asked whether it still writes tokens",
    ]),
    [
      "an answer in one piece takes a minute, and a canary some seconds",
      {
        groups: [
          group("a", {
            lastTokenMs: AT - 60_000,
            waitingSinceMs: null,
            canary: { askedMs: AT - 4900, answeredMs: AT - 6900, failedMs: null },
          }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves",
    ],
    [
      "a server is silent for 599 ms",
      {
        groups: [
          group("a", { servers: [server("gpu-a"), server("gpu-b", { lastHeardMs: AT - 599 })], lastTokenMs: AT - 599 }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves",
    ],
    [
      "a server is silent while tokens flow",
      { groups: [group("a", { servers: silentB }), idle("b")] },
      "use a",
      "group a serves; gpu-b is not heard: its group still writes tokens",
    ],
    [
      "an agent closed its stream and the tokens pause",
      {
        groups: [
          group("a", {
            servers: [server("gpu-a"), server("gpu-b", { stream: "closed", lastHeardMs: AT - 4000 })],
            lastTokenMs: AT - 4000,
          }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves; gpu-b is not heard: its agent's stream is closed",
    ],
    [
      "all are silent at once",
      {
        groups: [
          group("a", {
            servers: [server("gpu-a", { lastHeardMs: AT - 700 }), server("gpu-b", { lastHeardMs: AT - 650 })],
            lastTokenMs: AT - 650,
          }),
          idle("b", {
            servers: [server("gpu-c", { lastHeardMs: AT - 610 }), server("gpu-d", { lastHeardMs: AT - 640 })],
          }),
        ],
      },
      "use a",
      "group a serves; gpu-a is not heard: nor is any other server; the observer was held up or is cut off",
    ],
    [
      "a server of an idle group is silent: it is asked first",
      { groups: [idle("a", { servers: silentB }), idle("b")] },
      "use a",
      "group a serves; gpu-b is not heard: its group is asked whether it still writes tokens",
    ],
    [
      "and does not answer for a while: nobody waits, so nothing is lost by looking longer",
      {
        groups: [
          idle("a", { servers: silentB, canary: { askedMs: AT - 600, answeredMs: AT - 1900, failedMs: null } }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves; gpu-b is not heard: its group is asked whether it still writes tokens",
    ],
    [
      "most servers are late at once",
      {
        groups: [
          group("a", { servers: silentB, lastTokenMs: quiet }),
          idle("b", {
            servers: [server("gpu-c", { lastHeardMs: AT - 500 }), server("gpu-d", { lastHeardMs: AT - 610 })],
          }),
        ],
      },
      "use a",
      "group a serves; gpu-b is not heard: nor are most of the others",
    ],
    [
      "one of the others was lost long ago and has no say",
      {
        groups: [
          group("a", {
            servers: [server("gpu-a", { lastHeardMs: AT - 640 }), server("gpu-b", { lastHeardMs: AT - 650 })],
            lastTokenMs: quiet,
          }),
          idle("b", { servers: [server("gpu-c"), server("gpu-d", { lastHeardMs: AT - 90_000 })] }),
        ],
      },
      "use b",
      "group a: gpu-b is silent for 650 ms, its neighbours are heard, and no token came from group a in that time",
    ],
    [
      "and does not answer",
      {
        groups: [
          idle("a", {
            servers: [server("gpu-a"), server("gpu-b", { lastHeardMs: AT - 2010 })],
            canary: { askedMs: AT - 1010, answeredMs: AT - 2500, failedMs: null },
          }),
          idle("b"),
        ],
      },
      "use b",
      "group a: gpu-b is silent for 2010 ms, its neighbours are heard, and group a does not answer a canary",
    ],
    [
      "and answers",
      {
        groups: [
          idle("a", { servers: silentB, canary: { askedMs: null, answeredMs: AT - 100, failedMs: null } }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves; gpu-b is not heard: its group still writes tokens",
    ],
    [
      "the standby is silent",
      { groups: [group("a"), idle("b", { faults: [fault("XID 79: gone", { server: "gpu-c" })] })] },
      "use a",
      "group a serves",
    ],
    [
      "both are suspect",
      {
        groups: [
          group("a", { faults: [fault("XID 79: gone")] }),
          idle("b", { canary: { askedMs: null, answeredMs: null, failedMs: AT - 200 }, engine: "starting" }),
        ],
      },
      "hold",
      "group a: gpu-a: XID 79: gone; group b: its engine is still loading",
    ],
    [
      "the other group has never answered",
      {
        groups: [
          group("a", { faults: [fault("XID 79: gone")] }),
          idle("b", { canary: { askedMs: null, answeredMs: null, failedMs: null } }),
        ],
      },
      "hold",
      "group a: gpu-a: XID 79: gone; group b: has not answered lately",
    ],
    [
      "the other group's last answer is too old",
      {
        groups: [
          group("a", { faults: [fault("XID 79: gone")] }),
          idle("b", { canary: { askedMs: AT - 4000, answeredMs: AT - 6001, failedMs: null } }),
        ],
      },
      "hold",
      "group a: gpu-a: XID 79: gone; group b: has not answered lately",
    ],
    [
      "held, and the suspect one answers first",
      {
        heldSinceMs: AT - 300,
        groups: [
          group("a", {
            faults: [fault("XID 79: gone", { atMs: AT - 400 })],
            canary: { askedMs: null, answeredMs: AT - 3, failedMs: null },
          }),
          idle("b", { canary: { askedMs: AT - 290, answeredMs: null, failedMs: null } }),
        ],
      },
      "use a",
      "group a was the first to answer a canary",
    ],
    [
      "and is not left again for the same old reason",
      { pardonedMs: AT - 2, groups: [group("a", { faults: [fault("XID 79: gone", { atMs: AT - 400 })] }), idle("b")] },
      "use a",
      "group a serves; gpu-a: XID 79: gone",
    ],
    [
      "but for a new one",
      { pardonedMs: AT - 20, groups: [group("a", { faults: [fault("XID 48: more", { atMs: AT - 5 })] }), idle("b")] },
      "use b",
      "group a: gpu-a: XID 48: more",
    ],
    [
      "also where the new one is of the same fault: the rank ends after the line that told of it",
      {
        pardonedMs: AT - 20,
        groups: [
          group("a", {
            faults: [fault("XID 31: a fault", { atMs: AT - 400 }), fault("rank 0 (pid 7) exited", { atMs: AT - 5 })],
          }),
          idle("b"),
        ],
      },
      "use b",
      "group a: gpu-a: rank 0 (pid 7) exited",
    ],
    [
      "held too long",
      {
        heldSinceMs: AT - 15_000,
        groups: [
          group("a", { faults: [fault("XID 79: gone")], canary: { askedMs: null, answeredMs: null, failedMs: null } }),
          idle("b", { canary: { askedMs: AT - 14_000, answeredMs: null, failedMs: null } }),
        ],
      },
      "shed",
      "no group answers for 15 s; group a: gpu-a: XID 79: gone; group b: no token for 14.0 s while requests wait",
    ],
    [
      "moved, and the old group is well again: nothing moves back",
      { current: "b", moves: [{ atMs: AT - 90_000, from: "a", to: "b" }], groups: [idle("a"), group("b")] },
      "use b",
      "group b serves",
    ],
    ["a fresh epoch moves new requests", { word: { active: "b", epoch: 2 } }, "use b", "epoch 2 names group b"],
    ["an old epoch does not", { word: { active: "b", epoch: 1 } }, "use a", "group a serves"],
    [
      "a fresh epoch that names a suspect",
      {
        word: { active: "b", epoch: 2 },
        groups: [group("a"), idle("b", { faults: [fault("XID 79: gone", { server: "gpu-c" })] })],
      },
      "use a",
      "epoch 2 names group b, which is suspect: gpu-c: XID 79: gone",
    ],
    [
      "a fresh epoch names an unknown group",
      { word: { active: "z", epoch: 2 } },
      "use a",
      "epoch 2 names group z, which this gateway does not know",
    ],
    [
      "silence right after a move on a silence: the group just left must prove itself first",
      {
        current: "b",
        moves: [{ atMs: AT - 1000, from: "a", to: "b" }],
        groups: [
          idle("a", { wellSinceMs: AT - 1000 }),
          group("b", { servers: [server("gpu-c"), server("gpu-d", { lastHeardMs: AT - 700 })], lastTokenMs: AT - 700 }),
        ],
      },
      "use b",
      "gpu-d is silent for 700 ms, its neighbours are heard, and no token came from group b in that time; but group a was left once without proof and has been well for 1.0 s of 5.0 s only",
    ],
    [
      "the reconciler's word ends that rest",
      {
        current: "b",
        moves: [{ atMs: AT - 1000, from: "a", to: "b" }],
        word: { active: "a", epoch: 2, why: "failover", reason: "group b: gpu-d is lost" },
        groups: [
          idle("a", { wellSinceMs: AT - 1000 }),
          group("b", { servers: [server("gpu-c"), server("gpu-d", { lastHeardMs: AT - 700 })], lastTokenMs: AT - 700 }),
        ],
      },
      "use a",
      "epoch 2 names group a: group b: gpu-d is lost",
    ],
    [
      "it was repaired and has been well since",
      {
        current: "b",
        moves: [{ atMs: AT - 30_000, from: "a", to: "b" }],
        groups: [
          idle("a", { wellSinceMs: AT - 6000 }),
          group("b", { servers: [server("gpu-c"), server("gpu-d", { lastHeardMs: AT - 700 })], lastTokenMs: AT - 700 }),
        ],
      },
      "use a",
      "group b: gpu-d is silent for 700 ms, its neighbours are heard, and no token came from group b in that time",
    ],
    [
      "left twice on a silence: twice as long",
      {
        current: "b",
        moves: [
          { atMs: AT - 60_000, from: "a", to: "b" },
          { atMs: AT - 40_000, from: "b", to: "a" },
          { atMs: AT - 20_000, from: "a", to: "b" },
        ],
        groups: [idle("a", { wellSinceMs: AT - 6000 }), group("b", { lastTokenMs: AT - 5000 })],
      },
      "use b",
      "no token for 5.0 s while requests wait; but group a was left 2 times without proof and has been well for 6.0 s of 10.0 s only",
    ],
    [
      "a group that was never left is taken at once, whatever moved before",
      {
        moves: [
          { atMs: AT - 60_000, from: "b", to: "a", proof: true },
          { atMs: AT - 900_000, from: "b", to: "a" },
        ],
        groups: [group("a", { servers: silentB, lastTokenMs: quiet }), idle("b", { wellSinceMs: AT - 50 })],
      },
      "use b",
      "group a: gpu-b is silent for 650 ms, its neighbours are heard, and no token came from group a in that time",
    ],
    [
      "at the first start the standby is ready first: the group that was named is waited for",
      { startUntilMs: AT + 90_000, groups: [firstLoad("a"), idle("b")] },
      "hold",
      "group a is named active and is at its first load: it is waited for, 90 s more at most",
    ],
    [
      "also when requests were held before that",
      { startUntilMs: AT + 90_000, heldSinceMs: AT - 2000, groups: [firstLoad("a"), idle("b")] },
      "hold",
      "group a is named active and is at its first load: it is waited for, 90 s more at most",
    ],
    [
      "it is ready a moment after the standby",
      {
        startUntilMs: AT + 90_000,
        heldSinceMs: AT - 2000,
        groups: [idle("a", { canary: { askedMs: null, answeredMs: AT - 3, failedMs: AT - 200 } }), idle("b")],
      },
      "use a",
      "group a was the first to answer a canary",
    ],
    [
      "a request that has waited long enough is not made to wait on",
      {
        startUntilMs: AT + 90_000,
        heldSinceMs: AT - 60_000,
        pendingSinceMs: AT - 15_000,
        groups: [firstLoad("a"), idle("b")],
      },
      "use b",
      "group b was the first to answer a canary",
    ],
    [
      "nor is anything after the longest load",
      { startUntilMs: AT, groups: [firstLoad("a"), idle("b")] },
      "use b",
      "group a: its engine is still loading",
    ],
    [
      "a load after a crash is not the first",
      { startUntilMs: AT + 90_000, groups: [firstLoad("a", { hasServed: true }), idle("b")] },
      "use b",
      "group a: its engine is still loading",
    ],
    [
      "a gateway that has used a group waits for no first load",
      { groups: [firstLoad("a"), idle("b")] },
      "use b",
      "group a: its engine is still loading",
    ],
    [
      "a group of which nobody is heard may be gone: it is not waited for",
      {
        startUntilMs: AT + 90_000,
        groups: [
          firstLoad("a", {
            engine: null,
            servers: [server("gpu-a", { stream: "never" }), server("gpu-b", { stream: "never" })],
          }),
          idle("b"),
        ],
      },
      "use b",
      "group a: its engine refuses requests",
    ],
    [
      "nor is one with a fault",
      { startUntilMs: AT + 90_000, groups: [firstLoad("a", { faults: [fault("XID 79: gone")] }), idle("b")] },
      "use b",
      "group a: gpu-a: XID 79: gone",
    ],
    [
      "silence right after a move on a fact does not",
      {
        current: "b",
        moves: [{ atMs: AT - 1000, from: "a", to: "b", proof: true }],
        groups: [
          idle("a"),
          group("b", { servers: [server("gpu-c"), server("gpu-d", { lastHeardMs: AT - 700 })], lastTokenMs: AT - 700 }),
        ],
      },
      "use a",
      "group b: gpu-d is silent for 700 ms, its neighbours are heard, and no token came from group b in that time",
    ],
    [
      "a dead rank right after a move does not",
      {
        current: "b",
        moves: [{ atMs: AT - 1000, from: "a", to: "b" }],
        groups: [
          idle("a"),
          group("b", { faults: [fault("rank 9 (pid 8) exited", { server: "gpu-d", software: true })] }),
        ],
      },
      "use a",
      "group b: gpu-d: rank 9 (pid 8) exited",
    ],
    [
      "restarted and answering: the fault is over",
      {
        groups: [
          group("a", { faults: [fault("XID 31: fault", { atMs: AT - 9000, restartedMs: AT - 2000 })] }),
          idle("b"),
        ],
      },
      "use a",
      "group a serves",
    ],
    [
      "restarted and not yet answering",
      {
        current: "b",
        groups: [
          idle("a", { faults: [fault("XID 31: fault", { atMs: AT - 9000, restartedMs: AT - 1000 })] }),
          group("b"),
        ],
      },
      "use b",
      "group b serves",
    ],
  ])("%s", (_name, more, outcome, reason) => {
    const choice = choose(view(more));
    expect(choice.reason).toBe(reason);
    expect(choice.kind === "use" ? `use ${choice.group}` : choice.kind).toBe(outcome);
  });
});

describe("what becomes of running streams", () => {
  test("an unplanned move carries them over, a planned one leaves them", () => {
    const lost = choose(view({ groups: [group("a", { faults: [fault("XID 79: gone")] }), idle("b")] }));
    expect(lost).toMatchObject({ kind: "use", group: "b", running: "carry", adoptEpoch: null });
    expect(choose(view({ word: { active: "b", epoch: 2 } }))).toMatchObject({ running: "stay", adoptEpoch: 2 });
  });

  test("a word that gives their group up carries them over, and says why", () => {
    const word = { active: "b", epoch: 2, why: "failover", reason: "a: the port is down" };
    const given = choose(view({ word }));
    expect(given).toMatchObject({
      running: "carry",
      adoptEpoch: 2,
      reason: "epoch 2 names group b: a: the port is down",
    });
    // Nobody waits there: a replica that has just started learns an old word, and has lived through no failover.
    expect(choose(view({ word, groups: [idle("a"), idle("b")] }))).toMatchObject({ running: "stay", adoptEpoch: 2 });
    // An answer in one piece waits for no token, and would end with its group.
    const whole = group("a", { waitingSinceMs: null });
    expect(choose(view({ word, groups: [whole, idle("b")] }))).toMatchObject({ running: "carry" });
    expect(choose(view({ word: { ...word, why: "switchover" } }))).toMatchObject({ running: "stay" });
  });

  test("those that a planned move left behind go on when something speaks against their group", () => {
    const left = (more: Partial<GroupView>) => view({ current: "b", groups: [group("a", more), group("b")] });
    const stranded = (at: GatewayView) => strandedOf(at, choose(at)).map(({ group: id }) => id);
    expect(stranded(left({}))).toEqual([]);
    expect(stranded(left({ servers: silentB, lastTokenMs: quiet }))).toEqual(["a"]);
    expect(stranded(left({ faults: [fault("XID 79: gone")] }))).toEqual(["a"]);
    // An answer in one piece waits for no token.
    expect(stranded(left({ faults: [fault("XID 79: gone")], waitingSinceMs: null }))).toEqual(["a"]);
    expect(stranded(left({ faults: [fault("XID 79: gone")], waitingSinceMs: null, passengers: 0 }))).toEqual([]);
    // They stay where they are while nobody can serve: their group may go on after all.
    expect(stranded(view({ groups: ["a", "b"].map((id) => group(id, { faults: [fault("XID 79: gone")] })) }))).toEqual(
      [],
    );
  });

  test.each<[string, boolean, Partial<GatewayView>]>([
    [
      "a crash of software",
      true,
      { groups: [group("a", { faults: [fault("rank 3 exited", { software: true })] }), idle("b")] },
    ],
    ["lost hardware", false, { groups: [group("a", { faults: [fault("XID 79")] }), idle("b")] }],
    ["silence", false, { groups: [group("a", { servers: silentB, lastTokenMs: quiet }), idle("b")] }],
  ])("%s: staged %s", (_name, software, more) => {
    expect(choose(view(more))).toMatchObject({ kind: "use", group: "b", software });
  });
});

describe("canaries", () => {
  test.each<[string, Partial<GatewayView>, string[]]>([
    ["a busy group and a standby asked lately", {}, []],
    [
      "a standby not asked for 2 s",
      { groups: [group("a"), idle("b", { canary: { askedMs: null, answeredMs: AT - 2000, failedMs: null } })] },
      ["b"],
    ],
    [
      "never two at once",
      { groups: [group("a"), idle("b", { canary: { askedMs: AT - 3000, answeredMs: null, failedMs: null } })] },
      [],
    ],
    [
      "after a broken connection",
      { groups: [group("a", { breaks: [{ atMs: AT - 1, how: "reset" }] }), idle("b")] },
      ["a"],
    ],
    [
      "a silent server of an idle group",
      { groups: [idle("a", { servers: [server("gpu-a"), server("gpu-b", { lastHeardMs: AT - 330 })] }), idle("b")] },
      ["a"],
    ],
    [
      "a server that has been silent for ten seconds: its group is asked as often as any other",
      { groups: [idle("a", { servers: [server("gpu-a"), server("gpu-b", { lastHeardMs: AT - 10_000 })] }), idle("b")] },
      [],
    ],
    ["a silent server, tokens flow", { groups: [group("a", { servers: silentB }), idle("b")] }, []],
    ["held: all are asked", { heldSinceMs: AT - 10 }, ["a", "b"]],
  ])("%s", (_name, more, expected) => {
    expect(choose(view(more)).canaries).toEqual(expected);
  });
});
