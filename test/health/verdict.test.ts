import { describe, expect, test } from "vitest";
import { fenceOf, type Isolation } from "../../src/health/fenced.ts";
import { type Change, type Crash, follows } from "../../src/health/follows.ts";
import { hearConnection } from "../../src/health/hear.ts";
import { unheard } from "../../src/health/server-evidence.ts";
import { serverVerdict } from "../../src/health/server-verdict.ts";
import { condition, driverAsks, gpus, type Heard, play, rank, xid } from "./support.ts";

describe("the verdict on a server", () => {
  const at = (atMs: number, ...story: [number, Heard][]) => serverVerdict(play("gpu-a", story), atMs);
  test.each<{ when: string; story: [number, Heard][]; atMs: number; then: object }>([
    {
      when: "nothing is wrong",
      story: [[0, gpus()]],
      atMs: 100,
      then: { state: "healthy", remedy: null, sinceMs: null, heard: true },
    },
    {
      when: "a GPU fell off the bus",
      story: [[5, xid(79)]],
      atMs: 100,
      then: { state: "suspect", remedy: "failover-reboot", sinceMs: 5 },
    },
    {
      when: "it did, and then we stopped hearing it",
      story: [[5, xid(79)]],
      atMs: 9_000,
      then: { state: "suspect", heard: false, sinceMs: 5 },
    },
    {
      when: "a remap waits",
      story: [[5, xid(63)]],
      atMs: 100,
      then: { state: "watch", remedy: "schedule-reset", wantsSwitch: false },
    },
    { when: "two beats are late", story: [[0, gpus()]], atMs: 600, then: { state: "healthy" } },
    {
      when: "silence",
      story: [[0, gpus()]],
      atMs: 601,
      then: { state: "blind", sinceMs: 0, reason: "silent for 601 ms" },
    },
    {
      when: "the worst of several faults counts",
      story: [
        [5, xid(94)],
        [7, xid(79, 1)],
      ],
      atMs: 100,
      then: { remedy: "failover-reboot", sinceMs: 5 },
    },
    {
      when: "the driver's own verdict on that GPU comes first",
      story: [
        [5, xid(79)],
        [7, driverAsks("gpu-reset")],
      ],
      atMs: 100,
      then: { remedy: "failover-reset" },
    },
    {
      when: "but not for another GPU",
      story: [
        [5, xid(79)],
        [7, driverAsks("gpu-reset", 1)],
      ],
      atMs: 100,
      then: { remedy: "failover-reboot" },
    },
    {
      when: "somebody else's condition holds",
      story: [
        [0, condition("GpuMemWatch", "True")],
        [30_000, "beat"],
      ],
      atMs: 30_000,
      then: { state: "watch", wantsSwitch: true },
    },
    {
      when: "it tells it to nvidia-smi and not to the kernel log",
      story: [
        [5, xid(79, 3)],
        [7, gpus({ recoveryAction: "Reset" })],
      ],
      atMs: 100,
      then: { state: "suspect", remedy: "failover-reset", sinceMs: 5 },
    },
  ])("$when", ({ story, atMs, then }) => expect(at(atMs, ...story)).toMatchObject(then));

  test("a server of which nothing was ever heard is blind, not suspect", () => {
    expect(serverVerdict(unheard("gpu-a"), 9_000)).toMatchObject({
      state: "blind",
      sinceMs: null,
      reason: "never heard",
    });
  });

  test("a lost connection is blind at once, and says why", () => {
    const known = hearConnection(play("gpu-a", [[0, gpus()]]), "lost", "reset", 50);
    expect(serverVerdict(known, 60)).toMatchObject({ state: "blind", sinceMs: 0, reason: "connection lost (reset)" });
  });

  test("a change of reason keeps the first bad moment, recovery ends it", () => {
    const first = at(100, [5, xid(94)]);
    const second = serverVerdict(play("gpu-a", [[90, rank(1, "exited")]]), 100, undefined, first);
    expect(second).toMatchObject({ state: "suspect", sinceMs: 5 });
    const well = at(200, [0, gpus()]);
    expect(serverVerdict(play("gpu-a", [[290, rank(1, "exited")]]), 300, undefined, well).sinceMs).toBe(290);
  });
});

describe("does the fault follow the workload or the server", () => {
  const minute = 60_000;
  const crash = (group: string, server: string | null, atMs: number, change: Partial<Crash> = {}): Crash => ({
    group,
    server,
    atMs,
    fingerprint: "rank-exited prompt 4f1c",
    remedy: "restart-group",
    ...change,
  });
  const image: Change = { group: "a", atMs: 0, what: "the image" };
  const hardware = { fingerprint: "xid-79", remedy: "failover-reboot" } as const;
  test.each<{ when: string; crashes: Crash[]; changes?: Change[]; then: string }>([
    { when: "nothing crashed", crashes: [], then: "unknown" },
    { when: "one software crash", crashes: [crash("a", "gpu-a", 0)], then: "unknown" },
    {
      when: "the same one on the other group",
      crashes: [crash("a", "gpu-a", 0), crash("b", "gpu-c", minute)],
      then: "workload",
    },
    {
      when: "told in the other order",
      crashes: [crash("b", "gpu-c", minute), crash("a", "gpu-a", 0)],
      then: "workload",
    },
    {
      when: "another one on the other group",
      crashes: [crash("a", "gpu-a", 0), crash("b", "gpu-c", minute, { fingerprint: "xid-31" })],
      then: "unknown",
    },
    {
      when: "the same, a day later",
      crashes: [crash("a", "gpu-a", 0), crash("b", "gpu-c", 1_440 * minute)],
      then: "unknown",
    },
    { when: "twice on one server", crashes: [crash("a", "gpu-a", 0), crash("a", "gpu-a", minute)], then: "server" },
    {
      when: "on both servers of a group in turn",
      crashes: [crash("a", "gpu-a", 0), crash("a", "gpu-b", minute), crash("a", "gpu-a", 2 * minute)],
      then: "unknown",
    },
    { when: "nobody is blamed, twice", crashes: [crash("a", null, 0), crash("a", null, minute)], then: "unknown" },
    { when: "soon after a change", crashes: [crash("a", "gpu-a", 5 * minute)], changes: [image], then: "workload" },
    { when: "long after it", crashes: [crash("a", "gpu-a", 90 * minute)], changes: [image], then: "unknown" },
    {
      when: "a change of the other group",
      crashes: [crash("b", "gpu-c", 5 * minute)],
      changes: [image],
      then: "unknown",
    },
    {
      when: "a change that came after",
      crashes: [crash("a", "gpu-a", 0)],
      changes: [{ ...image, atMs: minute }],
      then: "unknown",
    },
    {
      when: "hardware, also after a change",
      crashes: [crash("a", "gpu-a", minute, hardware)],
      changes: [image],
      then: "server",
    },
    {
      when: "hardware on both groups",
      crashes: [crash("a", "gpu-a", 0, hardware), crash("b", "gpu-c", minute, hardware)],
      then: "server",
    },
  ])("$when: $then", ({ crashes, changes = [], then }) => {
    const result = follows(crashes, changes);
    expect(result.what).toBe(then);
    expect(result.reason.length).toBeGreaterThan(10);
  });
});

describe("a server is fenced", () => {
  const launcher = (state: "running" | "exited") => ({ kind: "engine-process", group: "a", pid: 7, state }) as const;
  const isolation: Isolation = { atMs: 1_000, bootId: "boot-1" };
  const busy = gpus({ processIds: [4_711] });
  test.each<{ when: string; story: [number, Heard][]; poweredOffAtMs?: number; by: string | null }>([
    { when: "its power is off", story: [[0, busy]], poweredOffAtMs: 1_500, by: "power-off" },
    { when: "it was off before the isolation", story: [[0, busy]], poweredOffAtMs: 500, by: null },
    { when: "it is silent", story: [[0, gpus()]], by: null },
    {
      when: "it is heard with another boot",
      story: [
        [0, busy],
        [2_000, { boot: "boot-2" }],
      ],
      by: "new-boot",
    },
    {
      when: "no process is on a GPU",
      story: [
        [0, busy],
        [2_000, gpus()],
      ],
      by: "empty",
    },
    { when: "one still is", story: [[2_000, busy]], by: null },
    {
      when: "that was before the isolation",
      story: [
        [0, gpus()],
        [2_000, "beat"],
      ],
      by: null,
    },
    { when: "a GPU cannot be looked at", story: [[2_000, gpus({}, 7)]], by: null },
    {
      when: "a rank still runs",
      story: [
        [0, rank(3, "running")],
        [2_000, gpus()],
      ],
      by: null,
    },
    {
      when: "the launcher of its ranks still runs",
      story: [
        [0, launcher("running")],
        [2_000, gpus()],
      ],
      by: null,
    },
    {
      when: "that launcher has ended",
      story: [
        [0, launcher("running")],
        [2_000, gpus()],
        [2_100, launcher("exited")],
      ],
      by: "empty",
    },
    {
      when: "that rank has ended",
      story: [
        [0, rank(3, "running")],
        [1_900, rank(3, "exited")],
        [2_000, gpus()],
      ],
      by: "empty",
    },
    {
      when: "the end of a rank's predecessor is told after the rank's start",
      story: [
        [0, rank(3, "running", 103)],
        [1_900, rank(3, "running", 203)],
        [1_950, rank(3, "exited", 103)],
        [2_000, gpus()],
      ],
      by: null,
    },
  ])("$when: $by", ({ story, poweredOffAtMs, by }) => {
    const fence = fenceOf(play("gpu-a", story), isolation, poweredOffAtMs ?? null);
    expect(fence.fenced ? fence.by : null).toBe(by);
    expect(fence.reason.length).toBeGreaterThan(10);
  });
});
