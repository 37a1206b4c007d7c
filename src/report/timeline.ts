import type { FaultClass, RehearsalReport } from "./rehearsal.ts";

/** What a fault is called in a sentence: `gpu-b loses power`. */
export const FAULT_SENTENCES: Readonly<Record<FaultClass, string>> = {
  "server-power": "loses power",
  "server-freeze": "freezes",
  "network-cut": "loses its network",
  "rank-crash": "loses a rank",
  "gpu-xid": "loses a GPU",
  "engine-hang": "hangs",
};

const BARS = "▁▂▃▄▅▆▇█";
const WIDTH = 100;
const SHOWN_FAILURES = 5;

/** One line of the story, with the seconds since it began: `   3.8 s  gpu-b loses power`. */
export function timelineLine(seconds: number, text: string): string {
  return `${seconds.toFixed(1).padStart(6)} s  ${text}`;
}

/** The end of the story: how the tokens flowed, how long each phase took, what the streams noticed, and the verdict. */
export function rehearsalSummary(report: RehearsalReport): string {
  return [
    ...flowLines(report),
    "",
    ...phaseLines(report),
    "",
    ...streamLines(report),
    ...report.failures.map((failure) => `  ${failure}`),
  ].join("\n");
}

function flowLines({ flow, fault }: RehearsalReport): string[] {
  const { tokens, faultSlice, sliceMs } = flow;
  const shown = tokens.slice(0, WIDTH);
  const most = Math.max(1, ...shown);
  const bars = shown.map((count) => (count === 0 ? " " : BARS[Math.ceil((count / most) * BARS.length) - 1]));
  const label = "tokens  ";
  const arrow = `${" ".repeat(label.length + faultSlice)}↑ ${fault}`;
  return [`${label}${bars.join("")}  one bar: ${sliceMs / 1000} s, highest ${most}`, arrow];
}

function phaseLines({ phases }: RehearsalReport): string[] {
  const rows = [
    ["AFTER THE FAULT", "SECONDS", "BUDGET"],
    ...phases.map(({ phase, seconds, budgetSeconds }) => [
      phase,
      seconds === null ? "never" : seconds.toFixed(2),
      budgetSeconds === null ? "" : budgetSeconds.toFixed(2),
    ]),
  ];
  return rows.map(([phase = "", seconds = "", budget = ""]) =>
    `${phase.padEnd(22)} ${seconds.padStart(8)} ${budget.padStart(7)}`.trimEnd(),
  );
}

function streamLines({ streams, passed }: RehearsalReport): string[] {
  const { tokens, lost, doubled, foreign, mixed, misplaced, longestPauseSeconds, carriedOn, failures } = streams;
  const counts = [`${lost} lost`, `${doubled} doubled`, `${foreign} foreign`];
  // Two that hardly ever happen, and say nothing while they are zero.
  if (mixed > 0) counts.push(`${mixed} mixed up with reasoning`);
  if (misplaced > 0) counts.push(`${misplaced} out of order`);
  const told = `${streams.streams} streams, ${carriedOn} of them carried on, ${tokens.toLocaleString("en")} tokens: ${counts.join(", ")}`;
  const lines = [`${told} · longest pause ${longestPauseSeconds.toFixed(2)} s   ${passed ? "PASSED" : "FAILED"}`];
  for (const { stream, problems } of failures.slice(0, SHOWN_FAILURES))
    lines.push(`  ${stream}: ${problems.join("; ")}`);
  if (failures.length > SHOWN_FAILURES) lines.push(`  and ${failures.length - SHOWN_FAILURES} more`);
  return lines;
}
