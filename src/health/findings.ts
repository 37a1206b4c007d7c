import { stragglerFindings } from "./aspects/engine.ts";
import { flapFindings } from "./aspects/links.ts";
import { exitFindings, openExits } from "./aspects/ranks.ts";
import { kernelFindings } from "./aspects/xid.ts";
import { evidenceKey } from "./evidence.ts";
import type { Finding, Moves } from "./finding.ts";
import { type Flaps, flapsOf } from "./flaps.ts";
import { presentEngine, presentLife } from "./lives.ts";
import { openRuns, type Run } from "./marks.ts";
import { once } from "./once.ts";
import { compareRemedies } from "./remedy.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "./rules.ts";
import { isEvent, type Piece, type ServerEvidence, type Treatment } from "./server-evidence.ts";

const BY_MOVES: Readonly<Record<Moves, number>> = { now: 0, planned: 1, never: 2 };

/**
 * Everything that is wrong with one server at `atMs` (the observer's clock), the worst first. The order of `pieces` does not
 * matter. Nothing is confirmed by time in which the server was not heard: what it said then is known to have held until then.
 */
export function findingsOf(known: ServerEvidence, atMs: number, rules: HealthRules = DEFAULT_HEALTH_RULES): Finding[] {
  const knownUntilMs = Math.min(atMs, known.lastHeardMs ?? Number.NEGATIVE_INFINITY);
  const { server, pieces, treatments } = known;
  const stoppedMs = lastStopMs(treatments);
  const { words, exits, lines } = toldBy(rules)(pieces);
  const state = words.flatMap(({ runs, flaps }) => [
    ...stateFindings(
      server,
      runs.filter((run) => !isOfEngineBefore(run, stoppedMs, atMs)),
      knownUntilMs,
    ),
    ...(flaps === null ? [] : flapFindings(server, flaps, atMs, rules)),
  ]);
  // Of an engine that is gone nobody hears that it is fast again: the next one may have its leader on another server.
  const slow = stragglerFindings(server, known.agent, known.rates, knownUntilMs, rules);
  const isThere = slow.length > 0 && presentEngine(pieces).some(({ arrivedMonoMs }) => arrivedMonoMs > stoppedMs);
  return [
    ...kernelFindings(known, lines, atMs, rules),
    ...exitFindings(server, exits, treatments),
    ...(isThere ? slow : []),
    ...state,
  ].sort(
    (a, b) =>
      BY_MOVES[a.moves] - BY_MOVES[b.moves] ||
      compareRemedies(b.remedy, a.remedy) ||
      a.sinceMs - b.sinceMs ||
      compareText(a.code, b.code) ||
      compareText(a.subject, b.subject),
  );
}

/** What the pieces say, whenever they are asked: only what is confirmed, and what is undone, turns with time. */
const toldBy = once((rules: HealthRules) =>
  once((pieces: readonly Piece[]) => ({
    words: wordsOn(pieces, rules),
    exits: openExits(pieces),
    lines: pieces.filter(({ evidence }) => evidence.kind === "kernel-log"),
  })),
);

function wordsOn(pieces: readonly Piece[], rules: HealthRules): { runs: Run[]; flaps: Flaps | null }[] {
  return bySubject(pieces).flatMap((about) => {
    const runs = openRuns(about, rules);
    const flaps = about[0]?.evidence.kind === "link" ? flapsOf(about, rules) : null;
    // Most subjects are well, and have nothing to say whenever they are asked.
    return runs.length === 0 && (flaps === null || flaps.first === null) ? [] : [{ runs, flaps }];
  });
}

/**
 * An engine that its group was stopped with may be the last that was heard of when the next one is started, and for as long as
 * its server is not heard. A stop that is still to come was written by a clock that is wrong: nothing can be said then.
 */
function isOfEngineBefore({ last }: Run, stoppedMs: number, atMs: number): boolean {
  return last.evidence.kind === "engine" && last.arrivedMonoMs <= stoppedMs && stoppedMs <= atMs;
}

function lastStopMs(treatments: readonly Treatment[]): number {
  return treatments.findLast(({ what }) => what === "planned-stop")?.atMs ?? Number.NEGATIVE_INFINITY;
}

function stateFindings(server: string, runs: readonly Run[], knownUntilMs: number): Finding[] {
  return runs.flatMap(({ mark, first, last }) => {
    const { code, subject, group = null, remedy, moves, confirmAfterMs, reason, quiet } = mark;
    const confirmed = knownUntilMs - first.arrivedMonoMs >= confirmAfterMs;
    if (quiet && !confirmed) return [];
    const rests = (first === last ? [first] : [first, last]).map(({ agent, seq }) => ({ agent, seq }));
    const sinceMs = first.arrivedMonoMs;
    return [{ code, server, subject, group, remedy, moves, sinceMs, confirmed, reason, rests }];
  });
}

/** Pieces of state by subject; of a rank those of its present process. */
function bySubject(pieces: readonly Piece[]): Piece[][] {
  const subjects = Map.groupBy(pieces, ({ evidence }) => {
    if (evidence.kind === "rank") return `rank ${evidence.group}/${evidence.rank}`;
    return isEvent(evidence) ? "" : evidenceKey(evidence);
  });
  subjects.delete("");
  return [...subjects.values()].map((about) => {
    const kind = about[0]?.evidence.kind;
    return kind === "rank" ? presentLife(about) : kind === "engine" ? presentEngine(pieces) : about;
  });
}

/** By code point, the same on every machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
