import type { Spread } from "./summary.ts";

/** Where there is nothing to say. */
export const NONE = "–";

/** Median and maximum in seconds. */
export function spreadText(spread: Spread | null): string {
  return spread === null ? NONE : `${spread.median.toFixed(2)}, ${spread.max.toFixed(2)} s`;
}

export function secondsText(seconds: number | null): string {
  return seconds === null ? NONE : `${seconds.toFixed(2)} s`;
}

/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
