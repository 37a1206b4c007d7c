import type { DrillMoment, DrillPhase, DrillReport } from "./drill.ts";

/** A real failover as those who took part in it saw it. Times are milliseconds since the epoch, of their wall clocks. */
export interface FailoverFacts {
  id: string;
  stack: string;
  model: string;
  from: string;
  to: string;
  /** When the reconciler followed the gateways, or moved by itself. */
  movedAt: string;
  why: string;
  victim: string | null;
  /** When the gateway first held something against the group; the nearest to the fault that anybody has seen. */
  suspectMs: number | null;
  /** What the gateway says of its own move; null if it made none. */
  gateway: { at: string; reason: string; gapMs: number | null; carried: number } | null;
  isolatedMs?: number;
  fencedMs?: number;
  redundantMs?: number;
  versions: Record<string, string>;
}

/**
 * The record of a failover in the form of a drill's, so that it is read, drawn and replayed as those are. Nothing is judged but
 * whether the groups serve again, and no client has counted tokens: those fields are empty. Pure.
 */
export function failoverReport(facts: FailoverFacts): DrillReport {
  const { gateway, movedAt, from, to } = facts;
  const startMs = facts.suspectMs ?? Date.parse(gateway?.at ?? movedAt);
  const since = (atMs: number | undefined) => (atMs === undefined ? null : Math.max(0, (atMs - startMs) / 1000));
  const decided = since(Date.parse(gateway?.at ?? movedAt));
  const phase = (name: DrillPhase["phase"], seconds: number | null): DrillPhase => ({
    phase: name,
    seconds,
    budgetSeconds: null,
  });
  const phases = [
    phase("decided", decided),
    ...(gateway?.gapMs == null ? [] : [phase("next token", gateway.gapMs / 1000)]),
    phase("old group isolated", since(facts.isolatedMs)),
    phase("fenced", since(facts.fencedMs)),
    phase("redundant again", since(facts.redundantMs)),
  ];
  const recovered = facts.redundantMs !== undefined;
  const carried = gateway?.carried ?? 0;
  return {
    format: 1,
    id: facts.id,
    scenario: "failover",
    arena: "cluster",
    stack: facts.stack,
    model: facts.model,
    layout: "",
    startedAt: new Date(startMs).toISOString(),
    faultAt: new Date(startMs).toISOString(),
    seconds: ((facts.redundantMs ?? Date.parse(movedAt)) - startMs) / 1000,
    victim: facts.victim,
    from,
    to,
    what: gateway?.reason ?? facts.why,
    reason: gateway?.reason ?? facts.why,
    phases,
    streams: {
      streams: carried,
      perfect: 0,
      endedClearly: 0,
      carriedOn: carried,
      tokens: 0,
      lost: 0,
      doubled: 0,
      foreign: 0,
      mixed: 0,
      misplaced: 0,
      longestPauseSeconds: (gateway?.gapMs ?? 0) / 1000,
      failures: [],
    },
    gaps: [],
    flow: { sliceMs: 100, faultSlice: 0, tokens: [] },
    timeline: timelineOf(facts, since, decided),
    versions: facts.versions,
    passed: recovered,
    failures: recovered ? [] : ["redundant again: did not happen while it was watched"],
  };
}

function timelineOf(
  { gateway, movedAt, from, to, why, isolatedMs, fencedMs, redundantMs, victim, suspectMs }: FailoverFacts,
  since: (atMs: number | undefined) => number | null,
  decided: number | null,
): DrillMoment[] {
  const at = (seconds: number | null, text: string, detail?: string): DrillMoment[] =>
    seconds === null ? [] : [{ seconds, text, ...(detail === undefined ? {} : { detail }) }];
  return [
    ...(suspectMs === null ? [] : at(0, `the gateway suspects group ${from}`, victim ?? undefined)),
    ...(gateway === null ? [] : at(decided, `the gateway goes over to group ${to}`, gateway.reason)),
    ...at(since(Date.parse(movedAt)), `the reconciler gives group ${to} a fresh epoch`, why),
    ...at(since(isolatedMs), `group ${from} is isolated`),
    ...at(since(fencedMs), "what is left of it is proven harmless"),
    ...at(since(redundantMs), "both groups can serve again"),
  ].toSorted((a, b) => a.seconds - b.seconds);
}
