/** Values of the factors of one candidate, by factor. */
export type Factors = Readonly<Record<string, string>>;

/** Every pair of values of two factors that a candidate shows, as text. */
export function pairsOf(factors: Factors): string[] {
  const entries = Object.entries(factors);
  return entries.flatMap(([a, x], index) => entries.slice(index + 1).map(([b, y]) => `${a}=${x} & ${b}=${y}`));
}

/**
 * Picks `count` candidates so that, as far as they reach, every pair of values that occurs together anywhere in the pool
 * occurs in one that was picked: always the one that adds most next. Also says which pairs are left out.
 */
export function pickPairwise<T>(
  pool: readonly T[],
  factorsOf: (candidate: T) => Factors,
  count: number,
): { picked: T[]; missing: string[] } {
  const rest = pool.map((candidate) => ({ candidate, pairs: pairsOf(factorsOf(candidate)) }));
  const missing = new Set(rest.flatMap(({ pairs }) => pairs));
  const picked: T[] = [];
  while (picked.length < count && rest.length > 0) {
    let best = 0;
    let most = -1;
    for (const [index, { pairs }] of rest.entries()) {
      const adds = pairs.reduce((sum, pair) => sum + Number(missing.has(pair)), 0);
      if (adds > most) [best, most] = [index, adds];
    }
    const [taken] = rest.splice(best, 1);
    if (taken === undefined) break;
    picked.push(taken.candidate);
    for (const pair of taken.pairs) missing.delete(pair);
  }
  return { picked, missing: [...missing] };
}
