import type { DrillMoment, DrillReport } from "../../report/drill.ts";
import { phaseFailures } from "../../report/drill.ts";
import type { RehearsalReport } from "../../report/rehearsal.ts";
import type { GatewayDecisions } from "../scenarios/drill-arena.ts";
import type { DrillOutcome } from "../scenarios/run-drill.ts";
import type { StreamRecord } from "../stream-record.ts";
import { gapsOf } from "../tally.ts";
import type { HeardFrame } from "./collect-evidence.ts";

export interface SeenRehearsal {
  report: RehearsalReport;
  startedAt: Date;
  records: readonly StreamRecord[];
  evidence: HeardFrame[];
  decisions: GatewayDecisions;
  timeline: DrillMoment[];
  versions: Record<string, string>;
}

/** A rehearsal in the form of a drill, so that its record is read, drawn and replayed as those are. Pure. */
export function rehearsalAsDrill(seen: SeenRehearsal): DrillOutcome {
  const { report, startedAt, records, evidence, decisions, timeline, versions } = seen;
  const carried = new Set(report.carried.map(({ stream }) => stream));
  const { fault, stack, model, layout, victim, from, to, what, reason, streams, flow, seconds } = report;
  const phases: DrillReport["phases"] = report.phases.map((phase) => ({ ...phase }));
  const drill: DrillReport = {
    format: 1,
    id: `${startedAt.toISOString().replaceAll(":", "-").replace(/\..*/, "Z")}-${fault}`,
    scenario: fault,
    arena: "rehearsal",
    stack,
    model,
    layout,
    startedAt: startedAt.toISOString(),
    seconds,
    victim,
    from,
    to,
    what,
    reason,
    phases,
    streams,
    gaps: gapsOf(records, carried),
    flow,
    timeline,
    versions,
    passed: report.passed,
    failures: [...new Set([...report.failures, ...phaseFailures(phases)])],
  };
  return { report: drill, evidence, decisions, records };
}
