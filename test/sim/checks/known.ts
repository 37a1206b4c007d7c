import type { SimGroup } from "../world/types.ts";
import type { World } from "../world/world.ts";

/** What has been so for this long must be known to whoever acts: the longest detection (a stall, 5 s) and the way there. */
export const KNOWN_AFTER_MS = 7_000;

/** It serves, and has for long enough that nobody may take it for broken. */
export function isPlainlyIntact(world: World, { state, servesSinceMs }: SimGroup): boolean {
  return state === "serving" && world.now - servesSinceMs >= KNOWN_AFTER_MS;
}

/** It does not serve, and has not for so long that everybody must have seen it. */
export function isPlainlyBroken(world: World, { state, lastServedMs }: SimGroup): boolean {
  return state !== "serving" && world.now - lastServedMs >= KNOWN_AFTER_MS;
}
