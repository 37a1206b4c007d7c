/**
 * What a fault asks for, from least to most: the policy classes of `data/xid-policy.json`.
 * `restart-group` keeps the servers (one dead process takes all ranks with it); the `failover-…` classes take the server
 * out until the named remedy was applied; `schedule-reset` waits until the server does not serve.
 */
export const REMEDIES = [
  "ignore",
  "watch",
  "schedule-reset",
  "restart-group",
  "failover-reset",
  "failover-reboot",
  "failover-support",
] as const;
export type Remedy = (typeof REMEDIES)[number];

/** Below 0 if `a` asks for less than `b`. */
export function compareRemedies(a: Remedy, b: Remedy): number {
  return REMEDIES.indexOf(a) - REMEDIES.indexOf(b);
}

/** Whether traffic leaves the group at once: its ranks are dead or about to be. */
export function stopsService(remedy: Remedy): boolean {
  return compareRemedies(remedy, "restart-group") >= 0;
}
