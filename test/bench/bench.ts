export interface Measurement {
  what: string;
  measured: number;
  /** More than this fails. */
  limit: number;
  unit: "ms" | "s" | "streams" | "tokens" | "moves" | "requests" | "MiB" | "%" | "runs";
  /** How it was measured, e.g. `median of 20`. */
  how: string;
}

/** What a file `test/bench/<name>.bench.ts` exports. */
export type Bench = () => Promise<Measurement[]>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
