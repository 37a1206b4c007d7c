import type { ModelService, MoveStatus } from "../manifests/model-service/resource.ts";
import { table } from "./table.ts";

export interface HistoryReport {
  active: string | null;
  epoch: number | null;
  /** Newest first. */
  moves: MoveStatus[];
}

/** What `tandem history --output json` prints: every move of traffic that the status still holds. */
export function historyOf({ status }: ModelService): HistoryReport {
  return {
    active: status?.active ?? null,
    epoch: status?.epoch ?? null,
    moves: (status?.moves ?? []).toReversed(),
  };
}

/** Whether a move was a real fault, and so counts against `failover.maxPerHour`; those of drills do not. */
const MEANS: Record<MoveStatus["why"], string> = {
  adopt: "the gateways moved first, on a fault",
  failover: "the reconciler moved it, on a fault",
  settle: "gateways disagreed",
  switchover: "planned",
};

/** The same as lines, newest first. */
export function historyText({ moves, active, epoch }: HistoryReport): string {
  if (moves.length === 0)
    return `traffic has not moved${active === null ? "" : `: ${active} serves, epoch ${epoch}`}\n`;
  const rows = moves.map(({ at, from, to, epoch: number, why, reason, drill }) => [
    at,
    `${from} -> ${to}`,
    String(number),
    drill === undefined ? MEANS[why] : `a drill: ${drill}`,
    reason,
  ]);
  return `${table([["WHEN", "MOVE", "EPOCH", "KIND", "WHY"], ...rows], "").join("\n")}\n`;
}
