import type { ChooseTiming } from "./timing.ts";
import type { GatewayView, GroupView } from "./view.ts";

/** It answered or wrote lately, and nothing failed since. */
export function isProven(
  group: GroupView,
  { atMs }: Pick<GatewayView, "atMs">,
  { provenForMs }: ChooseTiming,
): boolean {
  const { answeredMs, failedMs } = group.canary;
  const sign = Math.max(answeredMs ?? Number.NEGATIVE_INFINITY, group.lastTokenMs ?? Number.NEGATIVE_INFINITY);
  return atMs - sign <= provenForMs && sign > (failedMs ?? Number.NEGATIVE_INFINITY);
}
