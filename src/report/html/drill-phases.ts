import type { DrillPhase } from "../drill.ts";
import { asText } from "./markup.ts";

const WIDTH = 420;
const ROW = 44;
const BAR = 12;
const LEFT = 6;

/** Each phase as a bar beside a mark for its budget; what is late says so in words as well. */
export function drillPhases(phases: readonly DrillPhase[]): string {
  const most = Math.max(0.01, ...phases.flatMap(({ seconds, budgetSeconds }) => [seconds ?? 0, budgetSeconds ?? 0]));
  // Logarithmic: milliseconds and a minute stand in one picture.
  const x = (seconds: number) => {
    const share = Math.log10(Math.max(seconds, 0.01) / 0.01) / Math.log10(most / 0.01 || 10);
    return Math.round((LEFT + Math.min(1, share) * (WIDTH - 2 * LEFT)) * 10) / 10;
  };
  const rows = phases.map(({ phase, seconds, budgetSeconds }, at) => {
    const top = at * ROW;
    const late = budgetSeconds !== null && (seconds === null || seconds > budgetSeconds);
    const budget = budgetSeconds === null ? "" : `, budget ${budgetSeconds} s`;
    const text = `${phase}: ${seconds === null ? "never" : `${seconds.toFixed(2)} s`}${budget}${late ? ": too late" : ""}`;
    const bar =
      seconds === null
        ? ""
        : `<rect x="${LEFT}" y="${top + 20}" width="${Math.max(2, x(seconds) - LEFT)}" height="${BAR}" fill="var(${late ? "--c1" : "--c2"})"/>`;
    const mark =
      budgetSeconds === null
        ? ""
        : `<line x1="${x(budgetSeconds)}" x2="${x(budgetSeconds)}" y1="${top + 17}" y2="${top + 35}" stroke="var(--text)" stroke-width="2"/>`;
    return `<text x="${LEFT}" y="${top + 14}">${asText(text)}</text>${bar}${mark}`;
  });
  return [
    "<figure>",
    `<svg viewBox="0 0 ${WIDTH} ${phases.length * ROW}" role="img" aria-label="Phases against their budgets; the table has the figures">`,
    ...rows,
    "</svg>",
    "<figcaption>Bars: seconds, on a logarithmic scale. Upright lines: budgets.</figcaption>",
    "</figure>",
  ].join("\n");
}
