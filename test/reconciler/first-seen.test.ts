import { expect, test } from "vitest";
import { serverVerdict } from "../../src/health/server-verdict.ts";
import { FirstSeen } from "../../src/reconciler/observe/first-seen.ts";
import { withTreatments } from "../../src/reconciler/observe/treatments.ts";
import type { Workload } from "../../src/reconciler/observe/workload.ts";
import { play, rank } from "../health/support.ts";

const BEFORE = "2026-01-01T00:00:00Z";
const NOW = "2026-01-01T00:05:00Z";

/** This process looked last at 50 s, when the change had not come, and sees it at 60 s. */
function watched(recordedMs: number) {
  const first = new FirstSeen();
  first.see("run of a", BEFORE, { recordedMs: 10_000, readMs: 50_000, nowMs: 50_500 });
  return first.see("run of a", NOW, { recordedMs, readMs: 59_900, nowMs: 60_000 });
}

test.each([
  ["as recorded, by clocks that agree", 58_000, 58_000],
  ["not before it was last seen that it had not happened", -22_000, 50_000],
  ["not in the time to come", 213_000, 60_000],
])("what changed while it was watched happened %s", (_, recordedMs, atMs) => {
  expect(watched(recordedMs)).toEqual({ atMs, seenMs: 60_000 });
});

test.each([
  ["is believed of the past", -22_000, -22_000],
  ["is not believed of the time to come", 213_000, 60_000],
])("a record that was there before this process %s", (_, recordedMs, atMs) => {
  const first = new FirstSeen();
  expect(first.see("run of a", NOW, { recordedMs, readMs: 59_900, nowMs: 60_000 })).toEqual({ atMs, seenMs: 60_000 });
});

test("the first sight is kept: not the time passes with a wrong clock, nor does a late watch begin it anew", () => {
  const first = new FirstSeen();
  const look = (value: string | null, nowMs: number) =>
    first.see("run of a", value, { recordedMs: 213_000, readMs: nowMs - 10, nowMs });
  look(BEFORE, 50_000);
  const seen = look(NOW, 60_000);
  look(BEFORE, 60_100);
  expect(look(NOW, 60_200)).toEqual(seen);
  expect(look(null, 70_000)).toBeNull();
});

test("a rank that ended since the start of its group is blamed, though the start was recorded by a clock that is ahead", () => {
  const told = play("gpu-c", [
    [58_000, rank(0, "running")],
    [65_000, rank(0, "exited")],
    [70_000, "beat"],
  ]);
  const moment = { monoMs: 70_000, wallMs: 0 };
  const known = { evidence: new Map([["gpu-c", told]]), moment, treatments: new Map() };
  const workload = { run: "starting" } as Workload;
  const found = (atMs: number) =>
    serverVerdict(withTreatments(known, "gpu-c", undefined, workload, { atMs, seenMs: 60_000 }), 70_000).state;
  expect(found(watched(213_000)?.atMs ?? 0)).toBe("suspect");
  // As the record has it: the start is to come, and accounts for the end.
  expect(found(213_000)).toBe("healthy");
});
