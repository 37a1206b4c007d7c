import { setTimeout as sleep } from "node:timers/promises";
import { TandemError } from "../../errors.ts";
import { monotonicMs } from "../clock.ts";
import type { GatewayStatus } from "../cluster/gateway-status.ts";
import type { DrillArena, Readiness } from "./drill-arena.ts";

const POLL_MS = 100;

/** @throws TandemError E_DRILL_NOT_READY where a scenario would take away the only gateway */
export function assertSibling(arena: DrillArena): void {
  if (arena.replicas.length > 1) return;
  throw new TandemError({
    code: "E_DRILL_NOT_READY",
    what: "the drill was not started",
    why: "there is no second gateway, so that new requests would find nobody",
    fix: "name two servers under `gateway.on`",
  });
}

/**
 * The group that serves, if a failover would work now.
 *
 * @throws TandemError E_DRILL_NOT_READY with every reason; nothing has been done then
 */
export async function readyGroup(arena: DrillArena): Promise<string> {
  const { active, against } = await arena.readiness();
  if (active !== null && against.length === 0) return active;
  throw new TandemError({
    code: "E_DRILL_NOT_READY",
    what: "the drill was not started",
    why: `a failover would not work now: ${against.join("; ") || "no group serves"}`,
    fix: "see `tandem status`; repair what it names, and start the drill when both groups can serve",
  });
}

/** What the replicas of the gateway say together: each must be able to go over, and all must use one group. */
export function readinessOf(replicas: readonly GatewayStatus[]): Readiness {
  const against = replicas.flatMap(({ groups }) =>
    Object.entries(groups).flatMap(([id, { state, reason }]) => (state === "clear" ? [] : [`group ${id}: ${reason}`])),
  );
  const active = [...new Set(replicas.map((replica) => replica.active))];
  if (active.length > 1) against.push(`gateways use different groups: ${active.join(" and ")}`);
  if (Object.keys(replicas[0]?.groups ?? {}).length < 2) against.push("there is no second group");
  return { active: active[0] ?? null, against: [...new Set(against)] };
}

/** When a failover would work again, on the monotonic clock; null if it still would not after `withinMs`. */
export async function redundantAgain(
  arena: DrillArena,
  withinMs: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const endMs = monotonicMs() + withinMs;
  while (monotonicMs() < endMs) {
    const seen = await arena.readiness().catch(() => null);
    if (seen !== null && seen.active !== null && seen.against.length === 0) return monotonicMs();
    await sleep(POLL_MS, undefined, signal ? { signal } : {});
  }
  return null;
}
