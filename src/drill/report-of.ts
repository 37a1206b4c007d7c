import type { RehearsalPhase, RehearsalReport } from "../report/rehearsal.ts";
import { BUDGETS } from "./budgets.ts";
import type { RoundFacts } from "./rehearsal.ts";
import { flowOf, seamOf, tallyStreams } from "./tally.ts";
import { nextTokenMs } from "./timing.ts";

const FLOW = { sliceMs: 100, beforeMs: 1_000 };

/** Judges what a round saw. Pure: the same facts, the same report. */
export function reportOf(facts: RoundFacts, seconds: number): RehearsalReport {
  const { plan, fault, victim, from, injected, records } = facts;
  const move = facts.moves.find(({ atMs, to }) => atMs >= injected.atMs && to !== from) ?? null;
  const accepted = acceptedMs(facts);
  const phases = phasesOf(facts, accepted, move?.atMs ?? null);
  const streams = tallyStreams(records, accepted.size);
  return {
    stack: plan.name,
    model: plan.model.servedName,
    layout: plan.layout.name,
    fault,
    victim,
    from,
    to: move?.to ?? null,
    what: injected.what,
    reason: move?.reason ?? null,
    phases,
    streams,
    flow: flowOf(records, injected.atMs, FLOW),
    seam: seamOf(records, new Set(accepted.keys())),
    seconds,
    ...verdictOf(phases, streams),
  };
}

function verdictOf(
  phases: readonly RehearsalPhase[],
  streams: RehearsalReport["streams"],
): { passed: boolean; failures: string[] } {
  const failures: string[] = [];
  if (streams.perfect < streams.streams)
    failures.push(`${streams.streams - streams.perfect} of ${streams.streams} streams did not end as they should`);
  for (const { phase, seconds, budgetSeconds } of phases) {
    if (seconds === null) failures.push(`${phase}: did not happen`);
    else if (budgetSeconds !== null && seconds > budgetSeconds)
      failures.push(`${phase}: ${seconds.toFixed(2)} s, more than ${budgetSeconds.toFixed(2)} s`);
  }
  return { passed: failures.length === 0, failures };
}

/** When the request of each stream first reached another group than the one that broke. */
function acceptedMs({ requests, injected, from, groupOf }: RoundFacts): Map<string, number> {
  const accepted = new Map<string, number>();
  for (const { stream, server, atMs } of requests)
    if (atMs >= injected.atMs && groupOf(server) !== from && !accepted.has(stream)) accepted.set(stream, atMs);
  return accepted;
}

function phasesOf(
  { injected, records, fault }: RoundFacts,
  accepted: ReadonlyMap<string, number>,
  movedAtMs: number | null,
): RehearsalPhase[] {
  const budgetSeconds = BUDGETS[fault].max;
  const next = records.flatMap((record) => {
    const acceptedAtMs = accepted.get(record.request.name);
    return acceptedAtMs === undefined ? [] : [nextTokenMs(record, acceptedAtMs)];
  });
  // The slowest stream counts, and one that never goes on makes the phase one that did not happen.
  const slowest = (times: readonly (number | null)[]): number | null =>
    times.length === 0 || times.includes(null) ? null : (Math.max(...(times as number[])) - injected.atMs) / 1000;
  return [
    { phase: "decided", seconds: slowest([movedAtMs]), budgetSeconds: null },
    { phase: "continuation accepted", seconds: slowest([...accepted.values()]), budgetSeconds },
    { phase: "next token", seconds: slowest(next), budgetSeconds },
  ];
}
