import { faultStands } from "./suspicion.ts";
import type { ChooseTiming } from "./timing.ts";
import type { GatewayView } from "./view.ts";

/**
 * At the very first start the groups load side by side, and chance decides which is ready first. The group that was named
 * active is waited for then; null when it is not to be waited for (any more). A request waits no longer for it than it
 * would for any group, and a group that has served before, or that nobody hears, is not at its first load.
 */
export function waitsForFirstLoad(
  view: GatewayView,
  { holdDeadlineMs }: ChooseTiming,
): { kind: "hold"; untilMs: number; reason: string } | null {
  const { atMs, current, startUntilMs, pendingSinceMs } = view;
  const group = view.groups.find(({ id }) => id === current);
  if (group === undefined || startUntilMs === null || atMs >= startUntilMs) return null;
  if (pendingSinceMs !== null && atMs - pendingSinceMs >= holdDeadlineMs) return null;
  const isLoading =
    group.engine === "starting" || (group.engine === null && group.servers.some(({ stream }) => stream === "open"));
  if (!isLoading || group.hasServed || group.faults.some((fault) => faultStands(fault, group))) return null;
  const rest = Math.ceil((startUntilMs - atMs) / 1000);
  const reason = `group ${current} is named active and is at its first load: it is waited for, ${rest} s more at most`;
  return { kind: "hold", untilMs: startUntilMs, reason };
}
