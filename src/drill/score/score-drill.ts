import type { ServingPlan } from "../../plan/serving-plan.ts";
import {
  type DrillMoment,
  type DrillPhase,
  type DrillReport,
  type PhaseName,
  phaseFailures,
} from "../../report/drill.ts";
import type { SeenRequest } from "../arena.ts";
import type { RepairSeen } from "../cluster/repair-watch.ts";
import type { Move } from "../front.ts";
import { carriedStreams, FLOW } from "../report-of.ts";
import type { RecordedDecision } from "../scenarios/drill-arena.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import type { StreamRecord } from "../stream-record.ts";
import { flowOf, gapsOf, tallyStreams } from "../tally.ts";
import { longestGapMs, resumedMs } from "../timing.ts";
import { judgeOutcome } from "./judge-outcome.ts";

/** What a drill saw, before it is judged. Times are milliseconds of the monotonic clock, but for `faultWallMs`. */
export interface DrillFacts {
  scenario: Scenario;
  kind: "rehearsal" | "cluster";
  plan: ServingPlan;
  startedAt: Date;
  seconds: number;
  victim: string | null;
  from: string;
  what: string;
  faultAtMs: number;
  faultWallMs: number;
  undoneAtMs: number;
  /** Null: a failover would still not have worked when the drill gave up waiting. */
  redundantAtMs: number | null;
  /** Null where no reconciler was watched: then its phases are not in the report. */
  repair: RepairSeen | null;
  /** What was done has had its effect. */
  shown: boolean;
  records: readonly StreamRecord[];
  /** Streams in the hands of a replica that was killed. */
  doomed: ReadonlySet<string>;
  /** Requests that came after the fault. */
  probes: readonly StreamRecord[];
  requests: SeenRequest[];
  /** Unplanned moves since the fault. */
  moves: readonly Move[];
  decisions: readonly RecordedDecision[];
  timeline: DrillMoment[];
  versions: Record<string, string>;
  groupOf(server: string): string;
}

/** Judges what a drill saw. Pure: the same facts, the same report. */
export function scoreDrill(seen: DrillFacts): DrillReport {
  // Two replicas that leave one group after each other have moved traffic once.
  const facts = { ...seen, moves: seen.moves.filter(({ to }, at) => to !== (seen.moves[at - 1]?.to ?? seen.from)) };
  const { scenario, plan, from, records, doomed, probes, faultAtMs } = facts;
  const judged = [...records.filter(({ request }) => !doomed.has(request.name)), ...probes];
  const injected = { atMs: faultAtMs, what: facts.what };
  const carried = carriedStreams({ ...facts, records: [...records], injected });
  const streams = tallyStreams(judged, carried.length);
  const move = facts.moves.find(({ to }) => to !== from) ?? null;
  const phases = phasesOf(facts, carried);
  const isCarried = new Set(carried.map(({ stream }) => stream));
  const failures = [...phaseFailures(phases), ...judgeOutcome(facts, streams, carried.length)];
  return {
    format: 1,
    id: `${facts.startedAt.toISOString().replaceAll(":", "-").replace(/\..*/, "Z")}-${scenario.name}`,
    scenario: scenario.name,
    arena: facts.kind,
    stack: plan.name,
    model: plan.model.servedName,
    layout: plan.layout.name,
    startedAt: facts.startedAt.toISOString(),
    faultAt: new Date(facts.faultWallMs).toISOString(),
    seconds: facts.seconds,
    victim: facts.victim,
    from,
    to: facts.moves.at(-1)?.to ?? (scenario.outcome === "planned" ? (plannedMove(facts)?.choice.group ?? null) : null),
    what: facts.what,
    reason: move?.reason ?? null,
    phases,
    streams,
    gaps: gapsOf(records, isCarried),
    flow: flowOf(records, faultAtMs, FLOW),
    timeline: facts.timeline,
    versions: facts.versions,
    passed: failures.length === 0,
    failures,
  };
}

/** The gateway's first choice of another group after it was asked to move. */
function plannedMove({ decisions, from, faultWallMs }: DrillFacts): RecordedDecision | undefined {
  return decisions.find(
    ({ wallMs, choice }) => wallMs >= faultWallMs && choice.kind === "use" && choice.group !== from,
  );
}

type Carried = ReturnType<typeof carriedStreams>;

function phasesOf(facts: DrillFacts, carried: Carried): DrillPhase[] {
  const { scenario, faultAtMs, undoneAtMs, redundantAtMs } = facts;
  const since = (atMs: number | undefined) => (atMs === undefined ? null : (atMs - faultAtMs) / 1000);
  const seconds: Partial<Record<PhaseName, number | null>> = {};
  if (scenario.outcome === "carried") {
    seconds.detected = detectedSeconds(facts);
    seconds.decided = since(facts.moves[0]?.atMs);
    // The slowest stream counts, and one that never goes on makes the phase one that did not happen.
    const slowest = (times: readonly (number | null)[]) =>
      times.length === 0 || times.includes(null) ? null : Math.max(...(times as number[]));
    seconds["continuation accepted"] = slowest(carried.map(({ acceptedSeconds }) => acceptedSeconds));
    // A cluster does not show which request went where: tokens that were under way at the move are no sign of life.
    const resumed = facts.kind === "cluster" ? resumedSeconds(facts, carried) : [];
    seconds["next token"] = slowest([...carried.map(({ nextTokenSeconds }) => nextTokenSeconds), ...resumed]);
  }
  if (scenario.outcome === "twice" || scenario.outcome === "held") {
    if (scenario.outcome === "held") seconds.detected = detectedSeconds(facts);
    seconds.decided = since(facts.moves[0]?.atMs);
    seconds["next token"] = Math.max(0, ...facts.records.map(longestGapMs)) / 1000;
  }
  if (scenario.outcome === "replica") {
    const firsts = facts.probes.map(({ pieces }) => since(pieces[0]?.atMs));
    seconds["next token"] = firsts.length === 0 || firsts.includes(null) ? null : Math.max(...(firsts as number[]));
  }
  if (scenario.outcome === "planned") {
    const used = plannedMove(facts);
    seconds.decided = used === undefined ? null : Math.max(0, (used.wallMs - facts.faultWallMs) / 1000);
  }
  if (facts.repair !== null) {
    const { isolatedAtMs, fencedAtMs } = facts.repair;
    seconds["old group isolated"] = since(isolatedAtMs ?? undefined);
    // Without a BMC only the server itself, booted anew, can prove that nothing of the old group is left on it.
    const fromMs = fencedAtMs !== null && fencedAtMs > undoneAtMs ? undoneAtMs : faultAtMs;
    seconds.fenced = fencedAtMs === null ? null : (fencedAtMs - fromMs) / 1000;
  }
  seconds["redundant again"] = redundantAtMs === null ? null : (redundantAtMs - undoneAtMs) / 1000;
  return (Object.entries(seconds) as [PhaseName, number | null][]).map(([phase, value]) => ({
    phase,
    seconds: value,
    budgetSeconds: scenario.budgets[phase] ?? null,
  }));
}

function resumedSeconds({ records, faultAtMs, moves }: DrillFacts, carried: Carried): (number | null)[] {
  const leftAtMs = moves[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const names = new Set(carried.map(({ stream }) => stream));
  return records
    .filter(({ request }) => names.has(request.name))
    .map((record) => {
      const atMs = resumedMs(record, faultAtMs, leftAtMs);
      // One that had no token left to write ended instead, which is judged elsewhere.
      return atMs === null ? 0 : (atMs - faultAtMs) / 1000;
    });
}

/** When the gateway first held something against the group; at the latest when it moved. */
function detectedSeconds({ decisions, moves, from, faultWallMs, faultAtMs }: DrillFacts): number | null {
  const suspect = decisions.find(
    ({ wallMs, choice }) =>
      wallMs >= faultWallMs && choice.suspicions.some(({ group, state }) => group === from && state === "suspect"),
  );
  const moved = moves[0] === undefined ? null : (moves[0].atMs - faultAtMs) / 1000;
  if (suspect === undefined) return moved;
  const seen = (suspect.wallMs - faultWallMs) / 1000;
  return moved === null ? seen : Math.min(seen, moved);
}
