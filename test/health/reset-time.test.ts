import { expect, test } from "vitest";
import type { Evidence } from "../../src/health/evidence.ts";
import { lastKernelLine, resetTime } from "../../src/health/reset-time.ts";
import { play } from "./support.ts";

const line = (sequence: number): Evidence => ({
  kind: "kernel-log",
  line: { kind: "xid", code: 95, pci: "0000:0b:00", text: "", sequence, uptimeUs: Number.MAX_SAFE_INTEGER },
});
const { pieces } = play("gpu-a", [
  [1_000, line(7)],
  [2_000, line(8)],
  [9_000, line(9)],
]);

test.each([
  { when: "its clock is right", sequence: 8, toldMs: 6_000, then: 6_000 },
  { when: "its clock is ahead of a line that came after it", sequence: 8, toldMs: 200_000, then: 5_000 },
  { when: "its clock is behind the line of before", sequence: 8, toldMs: -200_000, then: 5_000 },
  { when: "no line came after it, and its clock is behind", sequence: 9, toldMs: 0, then: 9_000 },
  { when: "the lines of before are not heard yet", sequence: 6, toldMs: 5_000, then: null },
])("a reset whose maker's clock tells $toldMs: $when", ({ sequence, toldMs, then }) => {
  expect(resetTime(pieces, { bootId: "boot-1", sequence }, toldMs)).toBe(then);
});

test("another boot counts anew", () => {
  expect(resetTime(pieces, { bootId: "boot-0", sequence: 8 }, 5_000)).toBeNull();
  expect(lastKernelLine(pieces, "boot-1")).toEqual({ bootId: "boot-1", sequence: 9 });
  expect(lastKernelLine(pieces, "boot-2")).toBeNull();
  expect(lastKernelLine(pieces, null)).toBeNull();
});
