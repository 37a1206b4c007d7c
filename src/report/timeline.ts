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
const FLOW_WIDTH = 80;
const SHOWN_FAILURES = 5;
const INDENT = " ".repeat(10);

/**
 * One moment of the story, with the seconds since it began, and what there is to say about it below:
 *
 *    3.8 s  gpu-b LOSES POWER
 *           its cable went silent, …
 */
export function timelineEntry(seconds: number, text: string, detail = ""): string {
  const line = `${seconds.toFixed(1).padStart(6)} s  ${text}`;
  return detail === "" ? line : `${line}\n${INDENT}${detail}`;
}

/** The end of the story: how the tokens flowed, how long each phase took, what the streams noticed, and the verdict. */
export function rehearsalSummary(report: RehearsalReport): string {
  const mark = `${report.victim} ${FAULT_SENTENCES[report.fault]}`;
  return [
    ...flowLines(report.flow, mark),
    ...seamLines(report),
    "",
    ...phaseLines(report),
    "",
    ...streamLines(report),
  ].join("\n");
}

/** All streams together as bars, and the fault below its moment. */
export function flowLines({ tokens, faultSlice, sliceMs }: RehearsalReport["flow"], fault: string): string[] {
  const shown = tokens.slice(0, FLOW_WIDTH);
  const most = Math.max(1, ...shown);
  const bars = shown.map((count) => (count === 0 ? " " : BARS[Math.ceil((count / most) * BARS.length) - 1]));
  const label = `tokens per ${sliceMs / 1000} s  `;
  return [`${label}${bars.join("").trimEnd()}`, `${" ".repeat(label.length + faultSlice)}↑ ${fault}`];
}

function seamLines({ seam }: RehearsalReport): string[] {
  if (seam === null) return [];
  const pause = `[${seam.pauseSeconds.toFixed(2)} s]`;
  return ["", `the longest pause, as its reader saw it:  …${seam.before.join("")}${pause} ${seam.after.join("")}…`];
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
    `${phase.padEnd(24)}${seconds.padStart(8)}${budget.padStart(9)}`.trimEnd(),
  );
}

function streamLines({ streams, passed, failures }: RehearsalReport): string[] {
  const { tokens, lost, doubled, foreign, mixed, misplaced, carriedOn } = streams;
  const counts = [`${lost} lost`, `${doubled} doubled`, `${foreign} foreign`];
  // Two that hardly ever happen, and say nothing while they are zero.
  if (mixed > 0) counts.push(`${mixed} mixed up with reasoning`);
  if (misplaced > 0) counts.push(`${misplaced} out of order`);
  const who = carriedOn === streams.streams ? "all" : `${carriedOn}`;
  const told = `${streams.streams} streams, ${who} carried on · ${thousands(tokens)} tokens: ${counts.join(", ")}`;
  return [
    `${told}   ${passed ? "PASSED" : "FAILED"}`,
    ...failures.map((failure) => `  ${failure}`),
    ...streams.failures.slice(0, SHOWN_FAILURES).map(({ stream, problems }) => `  ${stream}: ${problems.join("; ")}`),
    ...(streams.failures.length > SHOWN_FAILURES ? [`  and ${streams.failures.length - SHOWN_FAILURES} more`] : []),
  ];
}

function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
