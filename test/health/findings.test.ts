import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findingsOf } from "../../src/health/findings.ts";
import { treat } from "../../src/health/hear.ts";
import { DEFAULT_HEALTH_RULES } from "../../src/health/rules.ts";
import { condition, driverAsks, engine, gpus, type Heard, link, play, rank, sxid, xid } from "./support.ts";

const smi = (state: "working" | "hung" | "failed", detail = ""): Heard => ({
  kind: "monitor",
  monitor: "nvidia-smi",
  state,
  detail,
});
const fabricManager = (state: "running" | "failed" | "absent"): Heard => ({
  kind: "service",
  name: "fabric-manager",
  state,
  detail: "",
});
const launcher = (state: "running" | "exited", pid = 50): Heard => ({ kind: "engine-process", group: "a", pid, state });
const minute = 60_000;
const day = 1_440 * minute;

interface Row {
  code: string;
  /** Said at 0 ms. */
  bad: Heard;
  then: { remedy: string; moves: string; subject?: string };
  /** Not confirmed just before, confirmed at this time. */
  confirmAfterMs?: number;
  /** What ends it; absent where nothing that the agent says does. */
  good?: Heard;
}

const port = "port mlx5_0/1";
const fourth = "gpu 3 (0000:0e:00)";
const rows: Row[] = [
  { code: "xid-79", bad: xid(79), then: { remedy: "failover-reboot", moves: "now" }, good: { boot: "boot-2" } },
  { code: "xid-48", bad: xid(48), then: { remedy: "failover-reset", moves: "now" }, good: { boot: "boot-2" } },
  { code: "xid-94", bad: xid(94), then: { remedy: "restart-group", moves: "now" }, good: { boot: "boot-2" } },
  { code: "xid-63", bad: xid(63), then: { remedy: "schedule-reset", moves: "never" }, good: { boot: "boot-2" } },
  { code: "xid-74", bad: xid(74), then: { remedy: "failover-support", moves: "now" } },
  { code: "xid-92", bad: xid(92), then: { remedy: "watch", moves: "never" }, good: { boot: "boot-2" } },
  { code: "xid-154", bad: driverAsks("node-reboot"), then: { remedy: "failover-reboot", moves: "now" } },
  { code: "sxid-20034", bad: sxid(20034, true), then: { remedy: "failover-reset", moves: "now" } },
  { code: "sxid-22003", bad: sxid(22003, true), then: { remedy: "failover-reboot", moves: "now" } },
  { code: "sxid-12028", bad: sxid(12028, false), then: { remedy: "restart-group", moves: "now" } },
  { code: "sxid-20001", bad: sxid(20001, false), then: { remedy: "watch", moves: "never" } },
  {
    code: "gpu-lost",
    bad: gpus({}, 7),
    then: { remedy: "failover-reboot", moves: "now", subject: "gpus" },
    good: gpus(),
  },
  {
    code: "driver-verdict",
    bad: gpus({ recoveryAction: "Drain and Reset" }),
    then: { remedy: "failover-reset", moves: "now", subject: fourth },
    good: gpus(),
  },
  {
    code: "driver-verdict",
    bad: gpus({ recoveryAction: "GPU Reset Bus" }),
    then: { remedy: "failover-reboot", moves: "now", subject: fourth },
    good: gpus(),
  },
  {
    code: "driver-verdict",
    bad: gpus({ recoveryAction: "Something New" }),
    then: { remedy: "watch", moves: "never", subject: fourth },
    good: gpus({ recoveryAction: "[N/A]" }),
  },
  {
    code: "ecc-uncorrected",
    bad: gpus({ eccUncorrected: 2 }),
    then: { remedy: "watch", moves: "never", subject: fourth },
    good: gpus(),
  },
  {
    code: "row-remap-pending",
    bad: gpus({ remappedRowsPending: true }),
    then: { remedy: "schedule-reset", moves: "never", subject: fourth },
    good: gpus(),
  },
  {
    code: "row-remap-failure",
    bad: gpus({ remappedRowsFailure: true }),
    then: { remedy: "failover-support", moves: "planned", subject: fourth },
    good: gpus(),
  },
  {
    code: "nvlink-down",
    bad: gpus({ nvlinksActive: 17 }),
    then: { remedy: "failover-reset", moves: "now", subject: fourth },
    good: gpus(),
  },
  {
    code: "thermal-throttle",
    bad: gpus({ throttle: ["sw_power_cap", "hw_thermal_slowdown"], temperatureC: 91 }),
    then: { remedy: "watch", moves: "planned", subject: fourth },
    confirmAfterMs: 30_000,
    good: gpus(),
  },
  {
    code: "power-throttle",
    bad: gpus({ throttle: ["hw_power_brake_slowdown"] }),
    then: { remedy: "failover-support", moves: "planned", subject: fourth },
    confirmAfterMs: 30_000,
    good: gpus({ throttle: ["sw_power_cap"] }),
  },
  {
    code: "pcie-width",
    bad: gpus({ pcieWidth: 8 }),
    then: { remedy: "failover-reboot", moves: "planned", subject: fourth },
    confirmAfterMs: 60_000,
    good: gpus(),
  },
  {
    code: "ib-port-down",
    bad: link("down", 1),
    then: { remedy: "failover-support", moves: "now", subject: port },
    confirmAfterMs: 2_000,
    good: link("up", 1),
  },
  {
    code: "driver-gone",
    bad: smi("failed", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."),
    then: { remedy: "failover-reboot", moves: "now", subject: "driver" },
    good: smi("working"),
  },
  {
    code: "fabric-manager-gone",
    bad: fabricManager("failed"),
    then: { remedy: "failover-reset", moves: "planned" },
    confirmAfterMs: 5_000,
    good: fabricManager("running"),
  },
  {
    code: "monitor-hung",
    bad: smi("hung", "no answer for 10 s"),
    then: { remedy: "watch", moves: "planned", subject: "monitor nvidia-smi" },
    confirmAfterMs: 60_000,
    good: smi("working"),
  },
  {
    code: "rank-exited",
    bad: rank(9, "exited", 109),
    then: { remedy: "restart-group", moves: "now", subject: "rank a/9" },
    good: rank(9, "running", 209),
  },
  {
    code: "rank-stopped",
    bad: rank(9, "stopped"),
    then: { remedy: "restart-group", moves: "now", subject: "rank a/9" },
    confirmAfterMs: 600,
    good: rank(9, "running"),
  },
  {
    code: "engine-exited",
    bad: launcher("exited"),
    then: { remedy: "restart-group", moves: "now", subject: "launcher of a" },
    good: launcher("running", 51),
  },
  {
    code: "engine-unhealthy",
    bad: engine("unhealthy"),
    then: { remedy: "restart-group", moves: "now", subject: "engine of a" },
    good: engine("serving", 5),
  },
  {
    code: "engine-unreachable",
    bad: engine("unreachable"),
    then: { remedy: "restart-group", moves: "now", subject: "engine of a" },
    confirmAfterMs: 3_000,
    good: engine("starting"),
  },
  {
    code: "node-condition",
    bad: condition("AcceleratedHardwareReady", "False"),
    then: { remedy: "failover-reboot", moves: "planned" },
    confirmAfterMs: 30_000,
    good: condition("AcceleratedHardwareReady", "True"),
  },
];

describe.each(rows)("$code", ({ code, bad, then, confirmAfterMs = 0, good }) => {
  const at = (atMs: number, ...more: [number, Heard][]) => findingsOf(play("gpu-a", [[0, bad], ...more]), atMs);
  const only = (atMs: number, ...more: [number, Heard][]) =>
    at(atMs, ...more).filter((finding) => finding.code === code);

  test("is found alone, with what it asks for and what it rests on", () => {
    const findings = at(0);
    expect(findings).toMatchObject([
      { code, ...then, server: "gpu-a", sinceMs: 0, rests: [{ agent: "agent-1", seq: 1 }] },
    ]);
    expect(findings[0]?.reason.length).toBeGreaterThan(8);
  });

  test("is confirmed when it has held long enough, not before", () => {
    if (confirmAfterMs > 0) expect(only(confirmAfterMs - 1, [confirmAfterMs - 1, "beat"])[0]?.confirmed).toBe(false);
    expect(only(confirmAfterMs, [confirmAfterMs, "beat"])[0]).toMatchObject({ confirmed: true, sinceMs: 0 });
  });

  test("is not confirmed by time in which the server was not heard", () => {
    expect(only(50 * minute)[0]).toMatchObject({ sinceMs: 0, confirmed: confirmAfterMs === 0 });
  });

  test("keeps its first bad moment when it is said again", () => {
    expect(only(9_000, [7_000, bad], [9_000, "beat"])[0]?.sinceMs).toBe(0);
  });

  test(good === undefined ? "a reboot cures it, unless it needs hands" : "clears on recovery", () => {
    const stays = good === undefined && then.remedy === "failover-support";
    const findings = only(9_000, [8_000, good ?? { boot: "boot-2" }], [9_000, "beat"]);
    expect(findings).toHaveLength(stays ? 1 : 0);
  });
});

test("the spec's word on XID 154 is also about the field that says the same", () => {
  const rules = { ...DEFAULT_HEALTH_RULES, overrides: { 154: "watch" as const } };
  const known = play("gpu-a", [[0, gpus({ recoveryAction: "Reset" })]], { rules });
  expect(findingsOf(known, 0, rules)).toMatchObject([{ code: "driver-verdict", remedy: "watch", moves: "never" }]);
});

test.each<{ when: string; said: Heard[] }>([
  { when: "a busy H100 at its power limit", said: [gpus({ throttle: ["sw_power_cap", "sync_boost"], powerW: 700 })] },
  {
    when: "an old driver that tells nothing",
    said: [gpus({ eccUncorrected: null, nvlinksActive: null, pcieWidth: null })],
  },
  { when: "a node condition of which nothing was heard", said: [condition("AcceleratedHardwareReady", "Unknown")] },
  { when: "a condition that nobody knows", said: [condition("SunIsShining", "False")] },
  { when: "a machine without fabric manager", said: [fabricManager("absent")] },
  { when: "an engine that loads", said: [engine("starting")] },
  { when: "an XID that follows others", said: [xid(45)] },
])("nothing is found in $when", ({ said }) => {
  const known = play(
    "gpu-a",
    said.map((what) => [0, what] as const),
  );
  expect(findingsOf({ ...known, lastHeardMs: day }, day)).toEqual([]);
});

test("the kubelet's own word never moves traffic", () => {
  const known = play("gpu-a", [[0, condition("Ready", "False")]]);
  expect(findingsOf({ ...known, lastHeardMs: day }, day)).toMatchObject([{ moves: "never", confirmed: true }]);
});

test.each<{ last: Heard }>([
  { last: engine("unhealthy") },
  { last: engine("unreachable") },
  { last: engine("serving", 7) },
])("what an engine said last is over with its launcher: $last", ({ last }) => {
  const until: [number, Heard][] = [
    [0, launcher("running")],
    [1_000, last],
    [9_000, "beat"],
  ];
  const codes = (story: [number, Heard][]) => findingsOf(play("gpu-a", story), 30_000).map(({ code }) => code);
  expect(codes(until)).toHaveLength(1);
  // A group that was just started has no engine to ask yet: it must not be stopped for what the one before it said.
  expect(codes([...until, [9_100, launcher("exited")], [30_000, "beat"]])).toEqual(["engine-exited"]);
  const next: [number, Heard][] = [...until, [9_100, launcher("exited")], [12_000, launcher("running", 51)]];
  expect(codes([...next, [30_000, "beat"]])).toEqual([]);
  expect(codes([...next, [13_000, last], [30_000, "beat"]])).toHaveLength(1);
});

test("what an engine said before its group was stopped on purpose is over, also while its end is not told yet", () => {
  const known = play("gpu-a", [
    [0, launcher("running")],
    [1_000, engine("unhealthy")],
    [30_000, "beat"],
  ]);
  const after = (stoppedMs: number, atMs: number) =>
    findingsOf(treat(known, { atMs: stoppedMs, what: "planned-stop" }), atMs).map(({ code }) => code);
  expect(after(999, 3_000)).toEqual(["engine-unhealthy"]);
  expect(after(2_000, 3_000)).toEqual([]);
  // Its server may not be heard for long.
  expect(after(2_000, 30_000)).toEqual([]);
  // Written by a clock that is ahead of ours.
  expect(after(90_000, 30_000)).toEqual(["engine-unhealthy"]);
});

describe("no progress", () => {
  const after = (...story: [number, Heard][]) => findingsOf(play("gpu-a", story), story.at(-1)?.[0] ?? 0);
  test.each<{ when: string; story: [number, Heard][]; since: number | null }>([
    {
      when: "tokens rest 5 s",
      story: [
        [0, engine("serving", 7)],
        [5_000, "beat"],
      ],
      since: 0,
    },
    {
      when: "they rest less",
      story: [
        [0, engine("serving", 7)],
        [4_999, "beat"],
      ],
      since: null,
    },
    {
      when: "the last one came later",
      story: [
        [0, engine("serving", 7)],
        [3_000, engine("serving", 8)],
        [7_999, "beat"],
      ],
      since: null,
    },
    {
      when: "other words, same count",
      story: [
        [0, engine("serving", 7, 1)],
        [3_000, engine("serving", 7, 1, 4)],
        [5_000, "beat"],
      ],
      since: 0,
    },
    {
      when: "nothing waits",
      story: [
        [0, engine("serving", 7, 0)],
        [60_000, "beat"],
      ],
      since: null,
    },
    {
      when: "only the queue waits",
      story: [
        [0, engine("serving", 7, 0, 1)],
        [6_000, "beat"],
      ],
      since: 0,
    },
    {
      when: "work came after idling",
      story: [
        [0, engine("serving", 7, 0)],
        [60_000, engine("serving", 7, 1)],
        [64_000, "beat"],
      ],
      since: null,
    },
    {
      when: "the agent is not heard",
      story: [
        [0, engine("serving", 7)],
        [4_000, "beat"],
      ],
      since: null,
    },
  ])("$when", ({ story, since }) => {
    const found = after(...story).filter(({ code }) => code === "engine-no-progress");
    expect(found.map(({ sinceMs }) => sinceMs)).toEqual(since === null ? [] : [since]);
  });

  test("the plan's longest step stretches it", () => {
    const rules = { ...DEFAULT_HEALTH_RULES, noProgressAfterMs: 12_000 };
    const known = play(
      "gpu-a",
      [
        [0, engine("serving", 7)],
        [11_999, "beat"],
      ],
      { rules },
    );
    expect(findingsOf(known, 11_999, rules)).toEqual([]);
    expect(findingsOf({ ...known, lastHeardMs: 12_000 }, 12_000, rules)).toHaveLength(1);
  });
});

describe("a flapping port", () => {
  const flap = (...downs: number[]) =>
    play(
      "gpu-a",
      downs.flatMap((at, n): [number, Heard][] => [
        [at, link("down", n + 1)],
        [at + 500, link("up", n + 1)],
      ]),
      {
        start: play("gpu-a", [[0, link("up", 0)]]),
      },
    );
  const found = (atMs: number, ...downs: number[]) =>
    findingsOf(flap(...downs), atMs).filter(({ code }) => code === "ib-port-flapping");

  test.each([
    { when: "two downs are none", downs: [minute, 2 * minute], at: 3 * minute, since: null },
    { when: "three in ten minutes are one", downs: [minute, 2 * minute, 3 * minute], at: 4 * minute, since: minute },
    { when: "three in a day are none", downs: [minute, 400 * minute, 800 * minute], at: 801 * minute, since: null },
    { when: "ten quiet minutes end it", downs: [minute, 2 * minute, 3 * minute], at: 14 * minute, since: null },
    {
      when: "the first one stays the first",
      downs: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => n * 5 * minute),
      at: 41 * minute,
      since: 5 * minute,
    },
  ])("$when", ({ downs, at, since }) => {
    expect(found(at, ...downs).map(({ sinceMs }) => sinceMs)).toEqual(since === null ? [] : [since]);
  });

  test("downs between two readings count", () => {
    const known = play("gpu-a", [
      [0, link("up", 4)],
      [1_000, link("up", 9)],
    ]);
    expect(findingsOf(known, 2_000)).toMatchObject([{ code: "ib-port-flapping", moves: "planned" }]);
  });
});

test("docs/health.md names every finding", () => {
  const docs = readFileSync("docs/health.md", "utf8");
  const named = rows.map(({ code }) => code.replace(/^(s?xid)-\d+$/, "$1-N"));
  const others = ["engine-no-progress", "ib-port-flapping", "straggler", "server-silent"];
  expect([...named, ...others].filter((code) => !docs.includes(`\`${code}\``))).toEqual([]);
});
