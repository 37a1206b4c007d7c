import { isPerfect, judgeStream } from "../../../src/drill/judge.ts";
import type { StreamRecord } from "../../../src/drill/stream-record.ts";
import type { FaultClass } from "../../../src/report/rehearsal.ts";
import type { ComparisonFacts, Place } from "./facts.ts";

/** What one fault did to what went through one proxy. */
export interface Outcome {
  id: string;
  fault: FaultClass;
  place: Place;
  /** Streams that ran on the group that was struck. */
  struck: number;
  /** Those of them that went on to their right end, and for how long each was silent. */
  gapsSeconds: number[];
  /** Those that ended before, and when their client was told. */
  cutSeconds: number[];
  /** Those that fell silent and were given up by their client. */
  silent: number;
  /** Streams on the other group that did not end as they should. */
  othersBroken: number;
  tokensLost: number;
  tokensDoubled: number;
  probes: number;
  probesFailed: number;
  /** From the fault until every new request was served; null if the last ones were not. */
  servedAfterSeconds: number | null;
  /** Of the new requests that were served, the longest wait for a first token; null if none was. */
  slowestFirstTokenSeconds: number | null;
}

/** Judges what a fault did, proxy by proxy. Pure: the same facts, the same outcomes. */
export function scoreComparison(facts: ComparisonFacts): Outcome[] {
  const { atMs, fault, place } = facts;
  const after = (ms: number) => (ms - atMs) / 1000;
  return facts.contenders.map(({ id, streams, probes }) => {
    const judged = streams.map((record) => {
      const verdict = judgeStream(record);
      return { record, verdict, whole: isPerfect(verdict), struck: ranOnStruck(record, facts) };
    });
    const struck = judged.filter((one) => one.struck);
    const broken = struck.filter(({ whole }) => !whole).map(({ record }) => record);
    const served = probes.map((record) => isPerfect(judgeStream(record)));
    const firstTokens = probes.flatMap(({ pieces: [first], openedAtMs }, at) =>
      served[at] && first !== undefined ? [(first.atMs - openedAtMs) / 1000] : [],
    );
    const sum = (field: "lost" | "doubled") => judged.reduce((total, { verdict }) => total + verdict[field], 0);
    return {
      id,
      fault,
      place,
      struck: struck.length,
      gapsSeconds: struck.filter(({ whole }) => whole).map(({ record }) => silenceMs(record, atMs) / 1000),
      cutSeconds: broken.filter((record) => !gaveUp(record)).map((record) => after(record.endedAtMs ?? atMs)),
      silent: broken.filter(gaveUp).length,
      othersBroken: judged.filter((one) => !one.struck && !one.whole).length,
      tokensLost: sum("lost"),
      tokensDoubled: sum("doubled"),
      probes: probes.length,
      probesFailed: served.filter((one) => !one).length,
      servedAfterSeconds: servedAfter(probes, served, after),
      slowestFirstTokenSeconds: firstTokens.length === 0 ? null : Math.max(...firstTokens),
    };
  });
}

/** By the last server that its request reached before the fault. */
function ranOnStruck({ request }: StreamRecord, { requests, atMs, struck }: ComparisonFacts): boolean {
  const last = requests.findLast((seen) => seen.stream === request.name && seen.atMs <= atMs);
  return last !== undefined && struck.includes(last.server);
}

/** The client's own words (src/drill/client.ts). */
function gaveUp({ errors }: StreamRecord): boolean {
  return errors.some(({ text }) => text === "nothing came for too long");
}

/** The longest time between two tokens of which the second came after the fault. */
function silenceMs({ pieces }: StreamRecord, faultAtMs: number): number {
  return pieces.reduce((longest, { atMs }, at) => {
    const before = pieces[at - 1];
    return before === undefined || atMs <= faultAtMs ? longest : Math.max(longest, atMs - before.atMs);
  }, 0);
}

function servedAfter(
  probes: readonly StreamRecord[],
  served: readonly boolean[],
  after: (ms: number) => number,
): number | null {
  const next = probes[served.lastIndexOf(false) + 1];
  return next === undefined ? null : served.includes(false) ? Math.max(0, after(next.openedAtMs)) : 0;
}
