import { coverageOf, type Tally } from "./tally.ts";

/** How rare a combination may be before it is named. */
const RAREST = 5;

export function progressLine({ runs, failures }: Tally, seeds: number, elapsedMs: number, isTerminal: boolean): string {
  const left = ((elapsedMs / Math.max(1, runs)) * (seeds - runs)) / 1_000;
  const text = `${runs} of ${seeds} worlds, ${failures.length} broken, ${Math.ceil(left)} s left`;
  return isTerminal ? `\r\x1b[K${text}` : `${text}\n`;
}

export function summaryText(sum: Tally, seconds: number): string {
  const { runs, events, virtualMs, leastVirtualMs, endings, failures } = sum;
  const hours = (virtualMs / 3_600_000).toFixed(1);
  const ends = Object.entries(endings)
    .sort(([, a], [, b]) => b - a)
    .map(([ending, count]) => `${ending} ${count}`)
    .join(", ");
  return [
    `${runs} worlds in ${seconds.toFixed(1)} s: ${hours} hours of virtual time (the shortest ${(leastVirtualMs / 1_000).toFixed(0)} s), ${events} events`,
    `ended: ${ends}`,
    `${failures.length} broke a rule`,
  ].join("\n");
}

export function coverageText(sum: Tally, isWhole: boolean): string {
  const all = coverageOf(sum);
  const total = all.reduce((count, one) => count + one.count, 0);
  const least = all[0]?.count ?? 0;
  const lines = (isWhole ? all : all.slice(0, RAREST)).map(
    ({ cell, count }) => `${String(count).padStart(8)}  ${cell}`,
  );
  return [
    `coverage: ${all.length} combinations of fault, role and state, ${total} faults put, the rarest ${least} times`,
    ...lines,
  ].join("\n");
}

export function failuresText({ failures }: Tally): string {
  const byRule = new Map<string, Tally["failures"]>();
  for (const failure of failures) byRule.set(failure.rule, [...(byRule.get(failure.rule) ?? []), failure]);
  return [...byRule]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([rule, list]) => {
      const seeds = list.slice(0, 8).map(({ seed }) => seed);
      return `${rule}: ${list.length} (seeds ${seeds.join(", ")})\n  ${list[0]?.text}`;
    })
    .join("\n");
}
