import { DEFAULT_POLICY, type FailoverPolicy } from "../../../src/failover/observed.ts";
import { BOOT_MS, LOAD_MS } from "../world/world.ts";

/** The limits that depend on how long engines load and machines boot, which here is shorter. */
export const POLICY: FailoverPolicy = {
  ...DEFAULT_POLICY,
  treatWithinMs: 3 * BOOT_MS,
  resetWithinMs: 15_000,
  startWithinMs: 5 * LOAD_MS,
  cooldownMs: 60_000,
  restartPauseMs: 4_000,
  maxRestartPauseMs: 30_000,
};
