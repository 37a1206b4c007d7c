import { table } from "./table.ts";

/** One drill or failover that a cluster has on record. */
export interface DrillRow {
  name: string;
  /** ISO 8601. */
  startedAt: string;
  scenario: string;
  victim: string | null;
  by: string;
  result: string;
  /** The longest time that a client waited for its next token; null while nobody knows. */
  gapSeconds: number | null;
  /** Why it failed, or why traffic moved. */
  why: string;
}

/** What `tandem drill list --stack NAME` prints, the latest last: the columns of `kubectl get drills`, and why. */
export function drillRows(rows: readonly DrillRow[]): string {
  const cells = rows.map(({ name, scenario, victim, result, gapSeconds, by, why }) => [
    name,
    scenario,
    victim ?? "",
    result,
    gapSeconds === null ? "" : `${gapSeconds.toFixed(2)} s`,
    by,
    why,
  ]);
  return table([["NAME", "SCENARIO", "HIT", "RESULT", "GAP", "BY", ""], ...cells], "").join("\n");
}
