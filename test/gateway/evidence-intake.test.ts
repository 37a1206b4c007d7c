import { describe, expect, test } from "vitest";
import { faultStands } from "../../src/failover/choose/suspicion.ts";
import type { GroupView } from "../../src/failover/choose/view.ts";
import { EvidenceIntake } from "../../src/gateway/groups/evidence-intake.ts";
import { Group } from "../../src/gateway/groups/group.ts";
import { WatchClock } from "../../src/gateway/watch-clock.ts";
import type { Evidence } from "../../src/health/evidence.ts";
import type { Remedy } from "../../src/health/remedy.ts";
import type { Frame } from "../../src/stream/frames.ts";

const NOW_MS = 100_000;
const rank = (pid: number, state: "running" | "exited"): Evidence => ({
  kind: "rank",
  group: "a",
  rank: 3,
  pid,
  state,
});

/** A gateway that starts now, at an agent that has been there for long. */
function start(now = () => 0, xids: Readonly<Record<number, Remedy>> = {}) {
  const clock = new WatchClock(now);
  const group = new Group({ id: "a", servers: ["gpu-a"], urls: [], key: null, connectTimeoutMs: 1 }, clock);
  const intake = new EvidenceIntake("gpu-a", () => group, clock, xids);
  const hello = (seq: number): Frame => ({
    type: "hello",
    server: "gpu-a",
    bootId: "x",
    agent: "y",
    heartbeatMs: 250,
    start: "snapshot",
    seq,
    monoMs: NOW_MS,
    wallMs: 0,
  });
  const evidence = (seq: number, agoMs: number, what: Evidence): Frame => ({
    type: "evidence",
    seq,
    monoMs: NOW_MS - agoMs,
    wallMs: 0,
    evidence: what,
  });
  const standing = () => group.faults.filter((fault) => faultStands(fault, group as unknown as GroupView));
  return { clock, group, intake, hello, evidence, standing };
}

describe("what an agent tells a gateway that has just started", () => {
  test("an exit that was repaired is history, and nothing is decided half-way through it", () => {
    const { group, intake, hello, evidence, standing } = start();
    expect(intake.frame(hello(8))).toBe(false);
    expect(intake.frame(evidence(5, 9_000, rank(70, "exited")))).toBe(false);
    expect(group.faults).toEqual([]);
    intake.frame(evidence(8, 4_000, rank(71, "running")));
    expect(standing()).toEqual([]);
  });

  test("a rank is stopped until it goes on, ends, or another one has its place", () => {
    const { clock, intake, hello, evidence } = start(() => 50);
    const told = (pid: number, state: "running" | "stopped" | "exited") =>
      ({ ...rank(pid, "running"), state }) as Evidence;
    const stopped = (seq: number, agoMs: number, what: Evidence) => {
      intake.frame(evidence(seq, agoMs, what));
      return intake.view.stopped?.pid ?? null;
    };
    intake.frame(hello(0));
    expect(stopped(1, 0, told(70, "running"))).toBeNull();
    expect(stopped(2, 200, told(70, "stopped"))).toBe(70);
    const since = intake.view.stopped?.sinceMs;
    expect(since).toBe(clock.before(200));
    // A new connection tells it again: it began when it began.
    intake.frame(hello(3));
    expect(stopped(3, 0, told(70, "stopped"))).toBe(70);
    expect(intake.view.stopped?.sinceMs).toBe(since);
    expect(stopped(4, 0, told(70, "running"))).toBeNull();
    expect(stopped(5, 0, told(71, "stopped"))).toBe(71);
    expect(stopped(6, 0, told(70, "exited"))).toBe(71);
    expect(stopped(7, 0, told(71, "exited"))).toBeNull();
    expect(stopped(8, 0, told(71, "stopped"))).toBe(71);
    expect(stopped(9, 0, told(72, "running"))).toBeNull();
  });

  test("a process that started takes the question back that was asked before it, one that ran already does not", () => {
    const { clock, group, intake, hello, evidence } = start(() => 50);
    intake.frame(hello(0));
    group.canary.askedMs = clock.before(500);
    let left = 0;
    group.leaveCanary = () => left++;
    const started = (pid: number, agoMs: number) =>
      ({ ...rank(pid, "running"), startedMonoMs: NOW_MS - agoMs }) as Evidence;
    intake.frame(evidence(1, 0, started(70, 600)));
    expect(left).toBe(0);
    intake.frame(evidence(2, 0, started(71, 400)));
    expect(left).toBe(1);
  });

  describe("an agent that was held up tells of ends when the next engine has started", () => {
    const launcher = (pid: number): Evidence => ({ kind: "engine-process", group: "a", pid, state: "running" });
    const heard = () => {
      const started = start();
      const { intake, hello, evidence } = started;
      intake.frame(hello(0));
      intake.frame(evidence(1, 0, launcher(7)));
      intake.frame(evidence(2, 0, rank(70, "running")));
      return started;
    };
    /** Three seconds before it is told. */
    const next = { ...rank(80, "running"), startedMonoMs: NOW_MS + 1_000 } as Evidence;

    test("before it tells of that one: the group has to answer, and is well", () => {
      const { intake, evidence, group, standing } = heard();
      expect(intake.frame(evidence(3, -4_000, rank(70, "exited")))).toBe(true);
      intake.frame(evidence(4, -4_000, launcher(8)));
      intake.frame(evidence(5, -4_000, next));
      expect(standing()).toHaveLength(1);
      group.canary.answeredMs = 1;
      expect(standing()).toEqual([]);
    });

    test("after it: they are no fault, and the end of the next one is", () => {
      const { intake, evidence, group } = heard();
      intake.frame(evidence(3, -4_000, launcher(8)));
      intake.frame(evidence(4, -4_000, next));
      expect(intake.frame(evidence(5, -4_000, rank(70, "exited")))).toBe(false);
      expect(group.faults).toEqual([]);
      expect(intake.frame(evidence(6, -4_000, rank(80, "exited")))).toBe(true);
      expect(group.faults).toMatchObject([{ text: "rank 3 (pid 80) exited", restartedMs: null }]);
    });

    test("a number that the kernel gave out again is the next one's", () => {
      const { intake, evidence } = heard();
      intake.frame(evidence(3, 0, launcher(8)));
      intake.frame(evidence(4, 0, rank(70, "running")));
      expect(intake.frame(evidence(5, 0, rank(70, "exited")))).toBe(true);
    });

    test("a line of the kernel log is not answered by a new launcher alone", () => {
      const { intake, evidence, standing, group } = heard();
      const line = {
        kind: "xid",
        code: 79,
        pci: "0000:0b:00",
        text: "",
        sequence: 7,
        uptimeUs: NOW_MS * 1_000,
      } as const;
      intake.frame(evidence(3, 0, { kind: "kernel-log", line }));
      intake.frame(evidence(4, 0, launcher(8)));
      group.canary.answeredMs = 1;
      expect(standing()).toHaveLength(1);
    });
  });

  test("the late end of a launcher whose successor runs already is no fault, that of the successor is one", () => {
    const { group, intake, hello, evidence } = start();
    const launcher = (pid: number, state: "running" | "exited"): Evidence => ({
      kind: "engine-process",
      group: "a",
      pid,
      state,
    });
    intake.frame(hello(0));
    intake.frame(evidence(1, 0, launcher(7, "running")));
    intake.frame(evidence(2, 0, launcher(8, "running")));
    expect(intake.frame(evidence(3, 0, launcher(7, "exited")))).toBe(false);
    expect(group.faults).toEqual([]);
    expect(intake.frame(evidence(4, 0, launcher(8, "exited")))).toBe(true);
    expect(group.faults).toMatchObject([{ text: "the engine (pid 8) exited" }]);
    // Another one came and went while nobody heard the agent.
    intake.frame(evidence(5, 0, launcher(9, "running")));
    intake.frame(hello(7));
    expect(intake.frame(evidence(7, 0, launcher(10, "exited")))).toBe(true);
  });

  test("tokens that an engine wrote while nobody heard its agent prove nothing about now", () => {
    const { group, intake, hello, evidence } = start();
    const engine = (tokensTotal: number): Evidence => {
      const load = { running: 3, queued: 0 };
      return { kind: "engine", group: "a", instance: "1", state: "serving", tokensTotal, ...load };
    };
    intake.frame(hello(1));
    intake.frame(evidence(1, 0, engine(100)));
    expect(group.lastTokenMs).toBeNull();
    intake.frame(evidence(2, 0, engine(140)));
    expect(group.lastTokenMs).not.toBeNull();
    group.lastTokenMs = null;
    // The connection was lost for a while; the group may have hung at any moment of it.
    intake.frame(hello(3));
    intake.frame(evidence(3, 0, engine(900)));
    expect(group.lastTokenMs).toBeNull();
    intake.frame(evidence(4, 0, engine(901)));
    expect(group.lastTokenMs).not.toBeNull();
  });

  test("an exit that was not repaired stands, and is acted on at once", () => {
    const { intake, hello, evidence, standing } = start();
    intake.frame(hello(8));
    intake.frame(evidence(5, 9_000, rank(71, "running")));
    expect(intake.frame(evidence(8, 200, rank(70, "exited")))).toBe(true);
    expect(standing()).toHaveLength(1);
  });

  test("history whose last piece was replaced ends with the next beat", () => {
    const { intake, hello, evidence, standing } = start();
    intake.frame(hello(8));
    expect(intake.frame(evidence(7, 200, rank(70, "exited")))).toBe(false);
    expect(intake.frame({ type: "beat", seq: 8, monoMs: NOW_MS + 250, wallMs: 0 })).toBe(true);
    expect(standing()).toHaveLength(1);
  });

  test("an old start, told late, repairs no newer fault", () => {
    const { group, intake, hello, evidence, standing } = start();
    group.canary.answeredMs = 0;
    group.faults = [{ atMs: -100, server: "gpu-b", text: "rank 9 exited", software: true, restartedMs: null }];
    intake.frame(hello(4));
    intake.frame(evidence(4, 4_000, rank(71, "running")));
    expect(standing()).toHaveLength(1);
  });

  test("a rank that has run since before the fault is no answer to it, whenever it is told", () => {
    const { group, intake, hello, evidence, standing } = start();
    intake.frame(hello(0));
    intake.frame(evidence(1, 0, rank(70, "exited")));
    group.canary.answeredMs = 1;
    const sibling = { ...rank(71, "running"), rank: 4, startedMonoMs: NOW_MS - 60_000 } as Evidence;
    intake.frame(evidence(2, 0, sibling));
    expect(group.faults[0]?.restartedMs).toBeNull();
    intake.frame(evidence(3, 0, { ...rank(72, "running"), startedMonoMs: NOW_MS } as Evidence));
    expect(standing()).toEqual([]);
  });

  test("later evidence is taken as it comes; a repair counts when the new engine has answered", () => {
    const { group, intake, hello, evidence, standing } = start();
    intake.frame(hello(0));
    expect(intake.frame(evidence(1, 0, rank(70, "running")))).toBe(false);
    expect(intake.frame(evidence(2, 0, rank(70, "exited")))).toBe(true);
    intake.frame(evidence(3, 0, rank(71, "running")));
    expect(standing()).toHaveLength(1);
    group.canary.answeredMs = 1;
    expect(standing()).toEqual([]);
  });

  test("an exit before this gateway stood still is repaired by a start in that time", () => {
    let nowMs = 0;
    const { clock, group, intake, hello, evidence, standing } = start(() => nowMs);
    intake.frame(hello(0));
    intake.frame(evidence(1, 0, rank(70, "exited")));
    group.faults.push({ atMs: 0, server: "gpu-b", text: "rank 9 exited", software: true, restartedMs: null });
    nowMs = 8_000;
    clock.tick();
    intake.frame({ type: "beat", seq: 1, monoMs: NOW_MS + 8_000, wallMs: 0 });
    intake.frame(evidence(2, -8_000, { ...rank(71, "running"), startedMonoMs: NOW_MS + 5_000 } as Evidence));
    expect(group.faults.map(({ restartedMs }) => restartedMs)).toEqual([100, 100]);
    group.canary.answeredMs = clock.now() + 1;
    expect(standing()).toEqual([]);
  });

  test("an exit and the start after it count in their order, also where both are read at once", () => {
    const { group, intake, hello, evidence } = start();
    intake.frame(hello(0));
    intake.frame(evidence(1, 0, rank(70, "exited")));
    intake.frame(evidence(2, -3_000, { ...rank(71, "running"), startedMonoMs: NOW_MS + 2_600 } as Evidence));
    expect(group.faults[0]?.restartedMs).toBe(0);
  });
});

describe("a line of the kernel log", () => {
  const at = { pci: "0000:0b:00", text: "", sequence: 7, uptimeUs: NOW_MS * 1_000 };
  const xid = (code: number): Evidence => ({ kind: "kernel-log", line: { kind: "xid", code, ...at } });
  const asks = (action: "none" | "gpu-reset" | "node-reboot"): Evidence => ({
    kind: "kernel-log",
    line: { kind: "recovery-action", action, ...at },
  });
  const sxid = (code: number, fatal: boolean): Evidence => ({
    kind: "kernel-log",
    line: { kind: "sxid", code, fatal, ...at },
  });
  test.each<{ when: string; line: Evidence; xids?: Record<number, Remedy>; fault: string | null }>([
    { when: "a code that stops service", line: xid(79), fault: "XID 79 on 0000:0b:00: " },
    { when: "the same, only watched by the spec", line: xid(79), xids: { 79: "watch" }, fault: null },
    { when: "a code of no consequence", line: xid(63), fault: null },
    { when: "the same, made one by the spec", line: xid(63), xids: { 63: "failover-reset" }, fault: "XID 63 on" },
    {
      when: "the driver's verdict",
      line: asks("gpu-reset"),
      fault: "XID 154 on 0000:0b:00: the driver asks for gpu-reset",
    },
    { when: "the same, only watched by the spec", line: asks("gpu-reset"), xids: { 154: "watch" }, fault: null },
    { when: "the driver's all-clear", line: asks("none"), xids: { 154: "failover-reset" }, fault: null },
    { when: "a fatal error of a switch", line: sxid(20034, true), fault: "SXid 20034 on 0000:0b:00: A link has gone" },
    { when: "the same, only watched by the spec", line: sxid(20034, true), xids: { 20034: "watch" }, fault: null },
    { when: "a switch that corrects itself", line: sxid(24001, false), fault: null },
    {
      when: "the same, made a fault by the spec",
      line: sxid(24001, false),
      xids: { 24001: "failover-reset" },
      fault: "SXid 24001 on",
    },
  ])("$when moves traffic or not", ({ line, xids, fault }) => {
    const { group, intake, hello, evidence } = start(() => 0, xids);
    intake.frame(hello(0));
    expect(intake.frame(evidence(1, 0, line))).toBe(fault !== null);
    expect(group.faults.map(({ text }) => text.slice(0, fault?.length))).toEqual(fault === null ? [] : [fault]);
  });

  test("the line that began it is not forgotten over the ends of all processes of two servers", () => {
    const { intake, hello, evidence, standing } = start();
    intake.frame(hello(0));
    intake.frame(evidence(1, 0, xid(79)));
    for (let pid = 1; pid <= 18; pid++) intake.frame(evidence(1 + pid, 0, rank(pid, "exited")));
    expect(standing()).toHaveLength(19);
    expect(standing()[0]).toMatchObject({ software: false });
  });
});
