import type { Dashboard } from "../../dashboard/dashboard.ts";
import type { MovePanel } from "../../dashboard/moves.ts";
import { paragraphs, tableOf } from "../markup.ts";
import { secondsText } from "./times.ts";

const SHOWN = 8;
const MEANS: Record<MovePanel["why"], string> = {
  adopt: "failover, by the gateways",
  failover: "failover, by the reconciler",
  settle: "gateways disagreed",
  switchover: "planned",
};

/** The last moves of traffic and the last drills. */
export function historyPart({ moves, drills }: Dashboard): string {
  return `${movesTable(moves)}${drillsTable(drills)}`;
}

function movesTable(moves: readonly MovePanel[]): string {
  if (moves.length === 0) return paragraphs("Traffic has not moved yet.");
  const rows = moves
    .slice(0, SHOWN)
    .map(({ at, from, to, why, drill, gapMs, carried, reason }) => [
      timeOf(at),
      `${from} → ${to}`,
      `${MEANS[why]}${drill === undefined ? "" : ", in a drill"}`,
      gapMs === null ? "–" : `${secondsText(gapMs)}${carried === null ? "" : `, ${carried} streams`}`,
      reason,
    ]);
  return tableOf("Moves of traffic, newest first", ["When (UTC)", "Move", "Kind", "Longest gap", "Why"], rows);
}

function drillsTable(drills: Dashboard["drills"]): string {
  if (drills.length === 0) return paragraphs("No drill has left a record in this cluster yet.");
  const rows = drills
    .slice(0, SHOWN)
    .map(({ startedAt, scenario, victim, result, gapSeconds, by }) => [
      timeOf(startedAt),
      scenario,
      victim ?? "–",
      result ?? "runs",
      gapSeconds === null ? "–" : secondsText(gapSeconds * 1000),
      by,
    ]);
  return tableOf(
    "Records of drills and failovers, newest first",
    ["Started (UTC)", "What", "Hit", "Result", "Longest gap", "By"],
    rows,
  );
}

const timeOf = (iso: string): string => iso.slice(0, 19).replace("T", " ");
