import { describe, expect, test } from "vitest";
import { scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import { type DrillFacts, scoreDrill } from "../../src/drill/score/score-drill.ts";
import type { ScenarioName } from "../../src/report/drill.ts";
import { localPlan } from "../support/rehearsal-session.ts";
import { chat, perfectRecord } from "./records.ts";

const plan = localPlan("deepseek-v3");
const FAULT = 1_030;
const move = (to: string, afterMs = 5, reason = "group a: gpu-a: XID 95") => ({ to, atMs: FAULT + afterMs, reason });
const suspicions: DrillFacts["decisions"][0]["choice"]["suspicions"] = [];
const uses = (group: string, wallMs: number) => ({
  wallMs,
  changed: true,
  view: {},
  choice: { kind: "use", group, reason: "epoch 2", suspicions },
});

const holds = (wallMs: number) => ({ ...uses("b", wallMs), choice: { kind: "hold", reason: "neither", suspicions } });
/** There the second group stands still while the first one is broken. */
const onCluster = scenarioOf("double-fault", "cluster");

/** One whole stream, a fault in its middle, and nothing else. */
function facts(name: ScenarioName, more: Partial<DrillFacts> = {}): DrillFacts {
  return {
    scenario: scenarioOf(name),
    kind: "cluster",
    plan,
    startedAt: new Date(0),
    seconds: 9,
    victim: "gpu-a",
    from: "a",
    what: "it happened",
    faultAtMs: FAULT,
    faultWallMs: 5_000,
    repair: null,
    shown: true,
    undoneAtMs: 2_000,
    redundantAtMs: 3_000,
    records: [perfectRecord(chat)],
    doomed: new Set(),
    probes: [],
    requests: [],
    moves: [],
    decisions: [],
    timeline: [],
    versions: {},
    groupOf: (server) => (server === "gpu-c" ? "b" : "a"),
    ...more,
  };
}

const reached = [{ server: "gpu-c", stream: null, atMs: FAULT + 6 }];
/** Its last token comes six seconds late. */
const stopped = () => {
  const { pieces, ...rest } = perfectRecord(chat);
  const last = pieces.length - 1;
  return { ...rest, pieces: pieces.map((piece, at) => (at === last ? { ...piece, atMs: piece.atMs + 6_000 } : piece)) };
};
const broken = () => ({ ...perfectRecord(chat), done: false });

describe("what a drill saw is green", () => {
  test.each<[ScenarioName, Partial<DrillFacts>]>([
    ["gpu-xid", { moves: [move("b")], requests: reached }],
    // The replica that had nobody waiting saw it two seconds later.
    ["gpu-xid", { moves: [move("b"), move("b", 2_000)], requests: reached }],
    ["slow-server", {}],
    ["standby-fault", {}],
    ["api-server-down", {}],
    ["reconciler-kill", {}],
    ["bad-release", {}],
    ["switchover", { decisions: [uses("a", 5_010), uses("b", 5_400)] }],
    ["double-fault", { moves: [move("b"), move("a", 900)] }],
    ["gateway-kill", { doomed: new Set(["gone"]), probes: [perfectRecord(chat)] }],
    ["double-fault", { scenario: onCluster, moves: [move("b")], decisions: [holds(5_900)] }],
  ])("%s", (name, more) => {
    expect(scoreDrill(facts(name, more)).failures).toEqual([]);
  });
});

const unrepaired = { isolatedAtMs: null, fencedAtMs: null };

test("a server that only its own word can fence is timed from its repair on, one with a BMC from the fault on", () => {
  const fencedAfter = (fencedAtMs: number) => {
    const repair = { isolatedAtMs: FAULT + 500, fencedAtMs };
    const { phases } = scoreDrill(facts("server-power", { repair, undoneAtMs: 9_000 }));
    return phases.find(({ phase }) => phase === "fenced")?.seconds;
  };
  expect(fencedAfter(13_000)).toBe(4);
  expect(fencedAfter(FAULT + 1_500)).toBe(1.5);
});

describe("and red, naming what was broken", () => {
  test.each<[string, ScenarioName, Partial<DrillFacts>, string]>([
    ["nothing moved", "gpu-xid", {}, "decided: did not happen"],
    [
      "it moved late",
      "server-power",
      { moves: [move("b", 2_000, "gpu-a is silent")], requests: reached },
      "decided: 2.00 s, more than 1.50 s",
    ],
    [
      "it moved to and fro",
      "gpu-xid",
      { moves: [move("b"), move("a"), move("b")], requests: reached },
      "traffic: moved 3 times",
    ],
    [
      "for another reason",
      "gpu-xid",
      { moves: [move("b", 5, "2 connections broke")], requests: reached },
      'reason: "2 connections broke"',
    ],
    ["a stream broke", "gpu-xid", { moves: [move("b")], requests: reached, records: [broken()] }, "streams: 1 of 1"],
    [
      "streams stopped once more",
      "gpu-xid",
      { moves: [move("b")], requests: reached, records: [stopped()] },
      "longest pause: 6.0",
    ],
    ["streams stood still though nothing moved", "api-server-down", { records: [stopped()] }, "longest pause: 6.0"],
    ["nobody was there to carry on", "gpu-xid", { moves: [move("b")] }, "streams: none was carried on"],
    ["a slow group was left", "slow-server", { moves: [move("b")] }, "traffic: moved to b"],
    ["a group was left for its sibling's fault", "standby-fault", { moves: [move("b")] }, "traffic: moved to b"],
    ["traffic moved without an API server", "api-server-down", { moves: [move("b")] }, "traffic: moved to b"],
    ["traffic moved without a reconciler", "reconciler-kill", { moves: [move("b")] }, "traffic: moved to b"],
    ["a release broke a stream", "bad-release", { records: [broken()] }, "streams: 1 of 1"],
    ["a planned move did not come", "switchover", { decisions: [uses("a", 5_010)] }, "decided: did not happen"],
    [
      "a planned move tore streams away",
      "switchover",
      { decisions: [uses("b", 5_010)], requests: reached },
      "streams: 1 were torn",
    ],
    ["the second fault moved nothing", "double-fault", { moves: [move("b")] }, "traffic: moved 1 times, not twice"],
    [
      "the second fault did not matter",
      "double-fault",
      { scenario: onCluster, moves: [move("b")], decisions: [holds(4_000), uses("b", 5_900)] },
      "fault: a group could serve all the time",
    ],
    [
      "traffic went back to the broken group",
      "double-fault",
      { scenario: onCluster, moves: [move("b"), move("a", 900)], decisions: [holds(5_900)] },
      "traffic: moved 2 times, not once",
    ],
    ["no sibling answered", "gateway-kill", { doomed: new Set(["gone"]) }, "next token: did not happen"],
    ["nobody isolated it", "server-power", { repair: unrepaired }, "old group isolated: did not happen"],
    [
      "isolated late",
      "rank-crash",
      { repair: { ...unrepaired, isolatedAtMs: FAULT + 11_000 } },
      "old group isolated: 11.00 s, more than 10.00 s",
    ],
    [
      "nobody proved the dead server harmless",
      "server-power",
      { repair: { ...unrepaired, isolatedAtMs: FAULT + 4_000 } },
      "fenced: did not happen",
    ],
    ["the release never reached a group", "bad-release", { shown: false }, "fault: it had no effect"],
    ["it does not heal", "gpu-lost", { redundantAtMs: null }, "redundant again: did not happen"],
  ])("%s", (_what, name, more, expected) => {
    const { passed, failures } = scoreDrill(facts(name, more));
    expect(passed).toBe(false);
    expect(failures.join("\n")).toContain(expected);
  });
});
