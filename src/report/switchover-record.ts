import type { DrillPhase, DrillReport } from "./drill.ts";
import { phaseFailures } from "./drill.ts";
import { failoverReport } from "./failover-record.ts";

/** Seconds that each phase of a planned move may take: what `tandem switchover --dry-run` says, and the drills' own. */
export const SWITCHOVER_BUDGETS = { decided: 2, "redundant again": 60 } as const;

/** A planned move as a drill, by whoever asked for it. Times are milliseconds since the epoch; null for what did not happen. */
export interface SwitchoverFacts {
  id: string;
  stack: string;
  model: string;
  from: string;
  to: string;
  by: string;
  askedMs: number;
  /** All gateways send requests to the other group. */
  movedMs: number | null;
  /** The group that was left stands by, proved anew. */
  redundantMs: number | null;
  /** Why it was refused after it was asked for; null where it was not. */
  refused: string | null;
  versions: Record<string, string>;
}

/** The record of a switchover that was a drill, scored against its budgets. No client has counted tokens. Pure. */
export function switchoverReport(facts: SwitchoverFacts): DrillReport {
  const { from, to, by, askedMs, movedMs, redundantMs, refused } = facts;
  const since = (atMs: number | null) => (atMs === null ? null : (atMs - askedMs) / 1000);
  const phases: DrillPhase[] = [
    { phase: "decided", seconds: since(movedMs), budgetSeconds: SWITCHOVER_BUDGETS.decided },
    { phase: "redundant again", seconds: since(redundantMs), budgetSeconds: SWITCHOVER_BUDGETS["redundant again"] },
  ];
  const failures = [...(refused === null ? [] : [`refused: ${refused}`]), ...phaseFailures(phases)];
  const moment = (atMs: number | null, text: string) => (atMs === null ? [] : [{ seconds: since(atMs) ?? 0, text }]);
  const asked = new Date(askedMs).toISOString();
  const plain = failoverReport({
    ...facts,
    movedAt: movedMs === null ? asked : new Date(movedMs).toISOString(),
    why: `${by} asked for it`,
    victim: null,
    suspectMs: askedMs,
    gateway: null,
    ...(redundantMs === null ? { redundantMs: askedMs } : { redundantMs }),
  });
  return {
    ...plain,
    scenario: "switchover",
    what: "a planned move",
    phases,
    timeline: [
      { seconds: 0, text: `a move from ${from} to ${to} is asked for`, detail: by },
      ...moment(movedMs, `all gateways use group ${to}`),
      ...moment(redundantMs, `group ${from} stands by, proved anew`),
    ],
    passed: failures.length === 0,
    failures,
  };
}
