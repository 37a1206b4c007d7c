import { byArrival, inOrder, type Piece } from "./server-evidence.ts";

/**
 * What the present process of a rank has said about itself, in order; `pieces` are all those of that one rank. A process that
 * ended has no state any more, and what another process said is not its state: stopped, then ended, is not stopped. The late
 * exit of a predecessor changes nothing.
 */
export function presentLife(pieces: readonly Piece[]): Piece[] {
  const said = inOrder(pieces);
  const pid = said.map(stateOf).findLast((state) => state !== null)?.pid;
  const end = said.findLastIndex((piece) => {
    const state = stateOf(piece);
    return state === null ? pidOf(piece) === pid : state.pid !== pid;
  });
  return said.slice(end + 1).filter((piece) => stateOf(piece) !== null);
}

/**
 * What the engine has said, `pieces` being all those of one server. Its last word is over with its launcher: from then on nobody
 * asks it any more, so that it would say "unreachable" until another engine is asked, also of a group that was just started.
 */
export function presentEngine(pieces: readonly Piece[]): Piece[] {
  return pieces.filter(({ evidence }) => evidence.kind === "engine").filter((said) => !isOver(said, pieces));
}

function isOver(said: Piece, pieces: readonly Piece[]): boolean {
  return pieces.some((piece) => {
    const { evidence } = piece;
    return evidence.kind === "engine-process" && evidence.state === "exited" && byArrival(said, piece) < 0;
  });
}

/** Of these pieces of state the last one that came from another process than the very last: it answers exits and ends a life. */
export function lastOfAnotherLife(pieces: readonly Piece[]): Piece | undefined {
  const said = inOrder(pieces);
  const pid = pidOf(said.at(-1));
  return said.findLast((piece) => pidOf(piece) !== pid);
}

/** Whether it was this process, and not a later one of the same number, that ended. */
export function isEndOf(exit: Piece, said: Piece): boolean {
  const [end, word] = [exit.evidence, said.evidence];
  const isAlike =
    (end.kind === "rank" && word.kind === "rank" && end.rank === word.rank) ||
    (end.kind === "engine-process" && word.kind === "engine-process");
  if (!isAlike || end.group !== word.group || end.pid !== word.pid) return false;
  return exit.bootId === said.bootId && byArrival(said, exit) < 0;
}

function stateOf({ evidence }: Piece): { pid: number } | null {
  return evidence.kind === "rank" && evidence.state !== "exited" ? evidence : null;
}

function pidOf(piece: Piece | undefined): number | null {
  const evidence = piece?.evidence;
  return evidence?.kind === "rank" || evidence?.kind === "engine-process" ? evidence.pid : null;
}
