import type { MoveStatus } from "../../manifests/model-service/resource.ts";
import type { GroupPanel } from "./group-panel.ts";
import type { GatewaySeen } from "./sources.ts";

/** A move of traffic, with what the gateways noticed of it. */
export interface MovePanel extends MoveStatus {
  /** The longest pause of a stream that was carried on, in milliseconds; null where none was, or nobody remembers. */
  gapMs: number | null;
  carried: number | null;
}

/** A move and the gateway's own record of it are one if they are so close. */
const SAME_MOVE_MS = 10_000;

/** Moves of the status, the newest first, each with what the gateways remember of it. */
export function movesOf(moves: readonly MoveStatus[], heard: readonly GatewaySeen["answer"][]): MovePanel[] {
  return moves
    .map((move): MovePanel => {
      const noticed = heard.flatMap(({ lastFailover }) =>
        lastFailover !== null &&
        (move.why === "adopt" || move.why === "failover") &&
        lastFailover.to === move.to &&
        Math.abs(Date.parse(lastFailover.at) - Date.parse(move.at)) < SAME_MOVE_MS
          ? [lastFailover]
          : [],
      );
      const gaps = noticed.flatMap(({ gapMs }) => (gapMs === null ? [] : [gapMs]));
      return {
        ...move,
        gapMs: gaps.length === 0 ? null : Math.max(...gaps),
        carried: noticed.length === 0 ? null : noticed.reduce((sum, { carried }) => sum + carried, 0),
      };
    })
    .toReversed();
}

/** When traffic came to the group that has it: the gateways know of a move before the ModelService does. */
export function sinceOf(
  active: string | null,
  moves: readonly MovePanel[],
  heard: readonly GatewaySeen["answer"][],
  groups: readonly GroupPanel[],
): string | null {
  if (active === null) return null;
  const [last] = moves.filter(({ from, to }) => from !== to);
  if (last?.to === active) return last.at;
  const moved = heard.flatMap(({ lastFailover }) => (lastFailover?.to === active ? [lastFailover.at] : []));
  return moved.toSorted()[0] ?? (last === undefined ? (groups.find(({ id }) => id === active)?.since ?? null) : null);
}
