import { expect, test } from "vitest";
import { type Clock, type LeaseSpec, leaderlessText, leadershipOf } from "../../src/report/leadership.ts";

const now = Date.parse("2026-11-24T14:03:00.000Z");
const spec = (secondsAgo: number, holderIdentity = "reconciler-x"): LeaseSpec => ({
  holderIdentity,
  leaseDurationSeconds: 6,
  // With micro-seconds, as the API has it.
  renewTime: new Date(now - secondsAgo * 1_000).toISOString().replace("Z", "000Z"),
});
const server: Clock = { wallMs: now, of: "api-server" };
const desk: Clock = { wallMs: now, of: "this-computer" };

test.each<[string, LeaseSpec, Clock, string | null, boolean, RegExp]>([
  ["renewed a second ago", spec(1), server, "reconciler-x", false, /1 s ago/],
  ["late, and within the margin", spec(16), server, "reconciler-x", false, /16 s ago/],
  ["renewed by a clock that is ahead", spec(-40), server, "reconciler-x", false, /0 s ago/],
  ["run out", spec(17), server, "reconciler-x", true, /^reconciler-x last renewed the reconciler's lease 17 s ago;/],
  ["run out long ago", spec(246), server, "reconciler-x", true, /lease 4 min ago; .* is from then\. To do: kubectl/],
  ["old by this computer's clock, which may be wrong", spec(66), desk, "reconciler-x", false, /66 s ago/],
  ["run out by any clock", spec(67), desk, "reconciler-x", true, /67 s ago/],
  ["given back a moment ago: the next replica is about to take it", spec(10, ""), server, null, false, /10 s ago/],
  ["given back, and nobody took it", spec(11, ""), server, null, true, /^the reconciler gave its lease back 11 s ago;/],
  ["held by somebody who never renewed it", { holderIdentity: "x" }, server, "x", true, /^nobody ever renewed/],
  ["empty", {}, server, null, true, /^nobody ever renewed the reconciler's lease;/],
  [
    "without a duration",
    { ...spec(24), leaseDurationSeconds: undefined } as never,
    server,
    "reconciler-x",
    false,
    /24/,
  ],
])("a lease that is %s", (_name, lease, clock, leader, stale, text) => {
  const found = leadershipOf("tandem-prod", lease, clock);
  expect(found).toMatchObject({ namespace: "tandem-prod", leader, stale, renewedAt: lease.renewTime ?? null });
  expect(leaderlessText(found)).toMatch(text);
});
