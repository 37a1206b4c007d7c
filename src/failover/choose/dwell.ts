import { isProven } from "./proven.ts";
import type { Suspicion } from "./suspicion.ts";
import type { ChooseTiming } from "./timing.ts";
import type { GatewayView, GroupView, Move } from "./view.ts";

/**
 * Why `target` is not yet gone back to on a reason without proof; null if it may be. Traffic that goes to and fro is worse
 * than either group, so a group that was left for nothing must show that it is well, for longer each time. A group that was
 * left on a real fault and repaired has nothing to show, and neither has one that was never left.
 */
export function dwellOf(target: GroupView, { atMs, moves }: GatewayView, timing: ChooseTiming): string | null {
  const { dwellMs, maxDwellMs, dwellWindowMs } = timing;
  const left = moves.filter((one) => one.from === target.id && one.proof !== true && atMs - one.atMs < dwellWindowMs);
  if (left.length === 0) return null;
  const needMs = Math.min(maxDwellMs, dwellMs * 2 ** (left.length - 1));
  const wellMs = target.wellSinceMs === null ? 0 : atMs - target.wellSinceMs;
  if (wellMs >= needMs) return null;
  const times = left.length === 1 ? "once" : `${left.length} times`;
  return `group ${target.id} was left ${times} without proof and has been well for ${seconds(wellMs)} of ${seconds(needMs)} only`;
}

/**
 * What the group that was left does next tells whether the move was right: one that still answers nobody after
 * `confirmMoveMs` had a real fault, one that answers before was left for nothing. Each move is judged once.
 */
export function settleMoves(moves: readonly Move[], view: GatewayView, { confirmMoveMs }: ChooseTiming): Move[] {
  return moves.map((move) => {
    if (move.proof === true || move.settled === true) return move;
    const left = view.groups.find(({ id }) => id === move.from);
    // Only an answer counts: an agent may tell late of tokens from before the fault.
    if ((left?.canary.answeredMs ?? 0) > move.atMs) return { ...move, settled: true };
    return view.atMs - move.atMs >= confirmMoveMs ? { ...move, proof: true } : move;
  });
}

/** How a group has been, as far as the next choice must know. */
export interface Wellness {
  wellSinceMs: number | null;
  /** When it was last suspect. */
  illMs: number | null;
}

/** A group is well from the first answer after it was suspect, for as long as it answers or writes. */
export function wellnessOf(
  group: GroupView,
  suspicions: readonly Suspicion[],
  before: Wellness | undefined,
  { atMs }: Pick<GatewayView, "atMs">,
  timing: ChooseTiming,
): Wellness {
  const { wellSinceMs = null, illMs = null } = before ?? {};
  if (suspicions.some((one) => one.group === group.id && one.state === "suspect"))
    return { wellSinceMs: null, illMs: atMs };
  if (!isProven(group, { atMs }, timing)) return { wellSinceMs: null, illMs };
  if (illMs !== null && (group.canary.answeredMs ?? 0) <= illMs) return { wellSinceMs: null, illMs };
  return { wellSinceMs: wellSinceMs ?? atMs, illMs };
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
