import type { HealthRules } from "./rules.ts";
import { inOrder, type Piece } from "./server-evidence.ts";

/** The downs of one port that belong together. */
export interface Flaps {
  downs: number;
  /** The first and the last down of the chain; null without any. */
  first: Piece | null;
  last: Piece | null;
  /** The pieces that the count rests on; with these alone the answer is the same. */
  rests: readonly Piece[];
}

/**
 * Counts the downs of one port by the port's own counter, so that none is missed between two readings. Downs belong together
 * while they are on average no further apart than `flapClearMs`.
 */
export function flapsOf(pieces: readonly Piece[], rules: HealthRules): Flaps {
  const downs: { piece: Piece; before: Piece; count: number }[] = [];
  let before: Piece | undefined;
  for (const piece of inOrder(pieces)) {
    const count = before === undefined ? 0 : grown(before, piece);
    if (before !== undefined && count > 0) downs.push({ piece, before, count });
    before = piece;
  }
  const last = downs.at(-1);
  if (last === undefined) return { downs: 0, first: null, last: null, rests: [] };
  let first = last;
  let total = last.count;
  for (const down of downs.toReversed().slice(1)) {
    const gapMs = first.piece.arrivedMonoMs - down.piece.arrivedMonoMs;
    if (gapMs > rules.flapClearMs * first.count) break;
    first = down;
    total += down.count;
  }
  return {
    downs: total,
    first: first.piece,
    last: last.piece,
    rests: [first.before, first.piece, last.piece],
  };
}

/** A counter below its last value was reset with the port or the server. */
function grown(before: Piece, piece: Piece): number {
  if (before.evidence.kind !== "link" || piece.evidence.kind !== "link") return 0;
  const [from, to] = [before.evidence.downCount, piece.evidence.downCount];
  return to >= from ? to - from : to;
}
