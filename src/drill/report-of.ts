import type { CarriedStream, FaultClass, RehearsalPhase, RehearsalReport } from "../report/rehearsal.ts";
import { BUDGETS } from "./budgets.ts";
import type { RoundFacts } from "./rehearsal.ts";
import type { StreamRecord } from "./stream-record.ts";
import { flowOf, seamOf, tallyStreams } from "./tally.ts";
import { nextTokenMs } from "./timing.ts";

/** Prompts of the rehearsal are ASCII. */
const BYTES_PER_TOKEN = 4;
export const FLOW = { sliceMs: 100, beforeMs: 1_000 };

/** Judges what a round saw. Pure: the same facts, the same report. */
export function reportOf(facts: RoundFacts, seconds: number): RehearsalReport {
  const { plan, fault, victim, from, injected, records } = facts;
  const move = facts.moves.find(({ atMs, to }) => atMs >= injected.atMs && to !== from) ?? null;
  const carried = carriedStreams(facts);
  const phases = phasesOf(fault, carried, move === null ? null : (move.atMs - injected.atMs) / 1000);
  const streams = tallyStreams(records, carried.length);
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
    carried,
    seam: seamOf(records, new Set(carried.map(({ stream }) => stream))),
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

/** The streams whose request reached another group than the one that broke: when it was there, and when they went on. */
export function carriedStreams({
  requests,
  records,
  injected,
  from,
  groupOf,
}: Pick<RoundFacts, "requests" | "records" | "injected" | "from" | "groupOf">): CarriedStream[] {
  const since = (atMs: number) => (atMs - injected.atMs) / 1000;
  return records.flatMap((record) => {
    const { name } = record.request;
    const taken = requests.find(
      ({ stream, server, atMs }) =>
        (stream === name || (stream === null && ranAt(record, atMs))) &&
        atMs >= injected.atMs &&
        groupOf(server) !== from,
    );
    if (taken === undefined) return [];
    const next = nextTokenMs(record, taken.atMs);
    const written = record.pieces.filter(({ atMs }) => atMs <= taken.atMs).length;
    return [
      {
        stream: name,
        contextTokens: Math.ceil(record.request.prompt.length / BYTES_PER_TOKEN) + written,
        acceptedSeconds: since(taken.atMs),
        nextTokenSeconds: next === null ? null : since(next),
      },
    ];
  });
}

function ranAt({ endedAtMs }: StreamRecord, atMs: number): boolean {
  return endedAtMs === null || endedAtMs > atMs;
}

function phasesOf(fault: FaultClass, carried: readonly CarriedStream[], decided: number | null): RehearsalPhase[] {
  const budgetSeconds = BUDGETS[fault].max;
  // The slowest stream counts, and one that never goes on makes the phase one that did not happen.
  const slowest = (times: readonly (number | null)[]): number | null =>
    times.length === 0 || times.includes(null) ? null : Math.max(...(times as number[]));
  return [
    { phase: "decided", seconds: decided, budgetSeconds: null },
    {
      phase: "continuation accepted",
      seconds: slowest(carried.map(({ acceptedSeconds }) => acceptedSeconds)),
      budgetSeconds,
    },
    { phase: "next token", seconds: slowest(carried.map(({ nextTokenSeconds }) => nextTokenSeconds)), budgetSeconds },
  ];
}
