/**
 * What a fault asks for, from least to most: the policy classes of `src/health/data/xid-policy.json`.
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
