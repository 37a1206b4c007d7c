import type { SimGroup, SimServer } from "../world/types.ts";
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

/**
 * The second XID 31 on one GPU is hardware by NVIDIA's rule, whatever caused it here: a reset is due, also where the group has
 * started again by itself meanwhile. Not where the GPU was reset since the last one.
 */
export function hasRepeatedXid(world: World, { name, bootId, lines }: SimServer): boolean {
  const reset = world.api.state.service.servers[name]?.lastReset ?? null;
  const isOfBoot = reset?.bootId === `${name}-${bootId}`;
  const all = lines.filter(isXid31);
  const last = all.at(-1);
  return last !== undefined && all.length > 1 && !(isOfBoot && reset !== null && last.sequence <= reset.line);
}

/** An XID 31 of this boot that is not the first one on its GPU: the reboot has not helped. */
export function hasXidAgain({ lines, oldLines }: SimServer): boolean {
  return lines.some(isXid31) && [...oldLines, ...lines].filter(isXid31).length > 1;
}

function isXid31(line: SimServer["lines"][number]): boolean {
  return line.kind === "xid" && line.code === 31;
}
