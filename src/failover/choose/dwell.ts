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
    const signMs = Math.max(left?.canary.answeredMs ?? 0, left?.lastTokenMs ?? 0);
    if (signMs > move.atMs) return { ...move, settled: true };
    return view.atMs - move.atMs >= confirmMoveMs ? { ...move, proof: true } : move;
  });
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
