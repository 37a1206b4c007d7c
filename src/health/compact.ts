import { type Evidence, evidenceKey } from "./evidence.ts";
import { flapsOf } from "./flaps.ts";
import { isApart } from "./incidents.ts";
import { isEndOf, lastOfAnotherLife, presentLife } from "./lives.ts";
import { openRuns } from "./marks.ts";
import type { HealthRules } from "./rules.ts";
import { inOrder, type Piece, type Treatment } from "./server-evidence.ts";

/** Packs of kernel lines kept for one GPU; the repeat rule looks back one day, and the second pack already decides. */
const MAX_PACKS = 8;
/** Exits kept; sixteen ranks and their launchers, several times over. */
const MAX_EXITS = 64;

/**
 * Drops the pieces that no finding can rest on any more, so that an observer may run for months: of state the last piece, the
 * first of each run that is open (with the one before it) and the last word of the process before, of kernel lines the first
 * and last of each code in a pack. Only pieces that speak of the same subject as `latest` are looked at.
 */
export function compact(
  pieces: readonly Piece[],
  latest: Evidence,
  treatments: readonly Treatment[],
  rules: HealthRules,
): Piece[] {
  const same = sameSubject(latest);
  const [rest, unsorted]: [Piece[], Piece[]] = [[], []];
  for (const piece of pieces) (same(piece.evidence) ? unsorted : rest).push(piece);
  // The first word on a subject makes nothing superfluous.
  if (unsorted.length < 2) return [...pieces];
  const concerned = inOrder(unsorted);
  if (latest.kind === "kernel-log") return [...rest, ...compactLines(concerned, treatments, rules)];
  if ((latest.kind === "rank" || latest.kind === "engine-process") && latest.state === "exited") {
    const forgotten = concerned.slice(0, -MAX_EXITS);
    // What such a process said before it ended goes with its end, or it would be running for ever.
    const isOver = (piece: Piece) => forgotten.some((exit) => isEndOf(exit, piece));
    return [...rest.filter((piece) => !isOver(piece)), ...concerned.slice(-MAX_EXITS)];
  }
  const keep = new Set<Piece>(concerned.slice(-1));
  const hasLives = latest.kind === "rank" || latest.kind === "engine-process";
  const another = hasLives ? lastOfAnotherLife(concerned) : undefined;
  if (another !== undefined) keep.add(another);
  const present = latest.kind === "rank" ? presentLife(pieces.filter(isRank(latest))) : concerned;
  for (const { first } of openRuns(present, rules)) {
    keep.add(first);
    // The piece before it ends the run before it; without that one the two would look like one.
    const before = concerned[concerned.indexOf(first) - 1];
    if (before !== undefined) keep.add(before);
  }
  if (latest.kind === "link") for (const piece of flapsOf(concerned, rules).rests) keep.add(piece);
  return [...rest, ...concerned.filter((piece) => keep.has(piece))];
}

function isRank({ group, rank }: Extract<Evidence, { kind: "rank" }>): (piece: Piece) => boolean {
  return ({ evidence: one }) => one.kind === "rank" && one.group === group && one.rank === rank;
}

function sameSubject(latest: Evidence): (other: Evidence) => boolean {
  if (latest.kind === "kernel-log") {
    return (other) => other.kind === "kernel-log" && other.line.pci === latest.line.pci;
  }
  if ((latest.kind === "rank" || latest.kind === "engine-process") && latest.state === "exited") {
    return (other) => other.kind === latest.kind && other.state === "exited";
  }
  const key = evidenceKey(latest);
  // Keys of two kinds are never the same; most pieces need not be asked for theirs.
  return (other) => other.kind === latest.kind && evidenceKey(other) === key;
}

/** Lines of one GPU. A dropped line leaves its mark on the next one kept, so that the pack stays one pack. */
function compactLines(lines: readonly Piece[], treatments: readonly Treatment[], rules: HealthRules): Piece[] {
  const cutsMs = treatments.map(({ atMs }) => atMs);
  const packs: Piece[][] = [];
  for (const piece of lines) {
    const pack = packs.at(-1);
    const before = pack?.at(-1);
    const apart =
      before === undefined ||
      isApart(before.arrivedMonoMs, piece.arrivedMonoMs, piece.continues === true, rules, cutsMs);
    if (pack === undefined || apart) packs.push([piece]);
    else pack.push(piece);
  }
  return packs.slice(-MAX_PACKS).flatMap(compactPack);
}

/** The first line of each kind carries the first bad moment; the last carries the driver's present verdict and the end. */
function compactPack(pack: readonly Piece[]): Piece[] {
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  for (const [at, { evidence }] of pack.entries()) {
    const kind = lineKind(evidence);
    if (!first.has(kind)) first.set(kind, at);
    last.set(kind, at);
  }
  const kept: Piece[] = [];
  let dropped = false;
  for (const [at, piece] of pack.entries()) {
    const kind = lineKind(piece.evidence);
    if (first.get(kind) === at || last.get(kind) === at) {
      kept.push(dropped ? { ...piece, continues: true } : piece);
      dropped = false;
    } else {
      dropped = true;
    }
  }
  return kept;
}

function lineKind(evidence: Evidence): string {
  if (evidence.kind !== "kernel-log") return "";
  const { line } = evidence;
  switch (line.kind) {
    case "xid":
      return `xid ${line.code}`;
    case "sxid":
      return `sxid ${line.code} ${line.fatal}`;
    case "recovery-action":
      return `action ${line.action}`;
  }
}
