import type { ComparisonFacts } from "../comparison/facts.ts";
import { ROUND } from "../comparison/round.ts";
import { type Outcome, scoreComparison } from "../comparison/score.ts";
import type { PlainFacts } from "./round.ts";

export const PLAIN = { id: "plain-lws", label: "a Service before LeaderWorkerSets" } as const;

/** What one fault did, in the terms of the comparison, and how the group came back. */
export interface PlainOutcome extends Outcome, Pick<PlainFacts, "aloneSeconds" | "repairedSeconds"> {
  /** Of all new requests, those of the comparison's ten seconds among them. */
  allProbes: number;
  allProbesFailed: number;
}

/**
 * New requests are counted as the comparison counts them, in the first ten seconds; until when not all were served is seen on
 * all of them, since a Service needs longer than that. Pure.
 */
export function plainOutcome(facts: PlainFacts): PlainOutcome {
  const first = ROUND.probeForMs / ROUND.probeEveryMs;
  const [whole] = scoreComparison(facts);
  const [short] = scoreComparison(withProbes(facts, first));
  if (whole === undefined || short === undefined) throw new Error("nobody was measured");
  const { aloneSeconds, repairedSeconds } = facts;
  return {
    ...short,
    servedAfterSeconds: whole.servedAfterSeconds,
    allProbes: whole.probes,
    allProbesFailed: whole.probesFailed,
    aloneSeconds,
    ...(repairedSeconds === undefined ? {} : { repairedSeconds }),
  };
}

function withProbes(facts: ComparisonFacts, count: number): ComparisonFacts {
  const contenders = facts.contenders.map((one) => ({ ...one, probes: one.probes.slice(0, count) }));
  return { ...facts, contenders };
}

/** The one server that has more than it had; null while none has, or more than one. Pure. */
export function risenOn(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): string | null {
  const risen = [...now]
    .filter(([server, count]) => count > (before.get(server) ?? Number.POSITIVE_INFINITY))
    .map(([server]) => server);
  return risen.length === 1 ? (risen[0] ?? null) : null;
}
