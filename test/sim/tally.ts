import { CELLS, cellKey } from "./faults/catalogue.ts";
import type { Run } from "./simulate.ts";

/** What a number of runs came to. Plain data, so that workers can send it. */
export interface Tally {
  runs: number;
  events: number;
  virtualMs: number;
  leastVirtualMs: number;
  endings: Record<string, number>;
  /** How often each combination of fault, role and state came to pass. */
  cells: Record<string, number>;
  failures: { seed: number; rule: string; text: string }[];
}

export function emptyTally(): Tally {
  return {
    runs: 0,
    events: 0,
    virtualMs: 0,
    leastVirtualMs: Number.POSITIVE_INFINITY,
    endings: {},
    cells: {},
    failures: [],
  };
}

export function addRun(tally: Tally, { seed, ending, events, virtualMs, cells, breaches }: Run): void {
  tally.runs += 1;
  tally.events += events;
  tally.virtualMs += virtualMs;
  // A run that is broken off at a breach is no measure of how long runs are.
  if (ending !== "breach") tally.leastVirtualMs = Math.min(tally.leastVirtualMs, virtualMs);
  tally.endings[ending] = (tally.endings[ending] ?? 0) + 1;
  for (const cell of cells) tally.cells[cell] = (tally.cells[cell] ?? 0) + 1;
  const [first] = breaches;
  if (first !== undefined) tally.failures.push({ seed, rule: first.rule, text: first.text });
}

export function addTally(sum: Tally, more: Tally): void {
  sum.runs += more.runs;
  sum.events += more.events;
  sum.virtualMs += more.virtualMs;
  sum.leastVirtualMs = Math.min(sum.leastVirtualMs, more.leastVirtualMs);
  for (const [ending, count] of Object.entries(more.endings)) sum.endings[ending] = (sum.endings[ending] ?? 0) + count;
  for (const [cell, count] of Object.entries(more.cells)) sum.cells[cell] = (sum.cells[cell] ?? 0) + count;
  sum.failures.push(...more.failures);
}

/** Each combination that is wanted with its count, the rarest first. */
export function coverageOf({ cells }: Tally): { cell: string; count: number }[] {
  return CELLS.map((cell) => ({ cell: cellKey(cell), count: cells[cellKey(cell)] ?? 0 })).sort(
    (a, b) => a.count - b.count,
  );
}
