import type { DrillReport } from "../drill.ts";
import { asText } from "./markup.ts";

const WIDTH = 760;
const HEIGHT = 230;
const EDGE = { left: 44, right: 12, top: 58, bottom: 34 };
const LABEL_ROW = 15;
const LABEL_ROWS = 3;

/** The picture of one drill: tokens as they arrived, and a mark for each phase at its second after the fault. */
export function drillTimeline(report: DrillReport): string {
  const { flow, phases, scenario } = report;
  const { tokens, faultSlice, sliceMs } = flow;
  const most = Math.max(1, ...tokens);
  const start = -faultSlice * (sliceMs / 1000);
  const end = Math.max(start + tokens.length * (sliceMs / 1000), 1);
  const x = (second: number) =>
    round(EDGE.left + ((second - start) / (end - start)) * (WIDTH - EDGE.left - EDGE.right));
  const y = (count: number) => round(HEIGHT - EDGE.bottom - (count / most) * (HEIGHT - EDGE.top - EDGE.bottom));
  const slice = sliceMs / 1000;
  const bars = tokens.map((count, at) => {
    const left = x(start + at * slice);
    const width = round(Math.max(0.5, x(start + (at + 1) * slice) - left - 0.5));
    return `<rect x="${left}" y="${y(count)}" width="${width}" height="${round(y(0) - y(count))}" fill="var(--c0)"/>`;
  });
  // What is counted from the repair on has no place on an axis that begins with the fault.
  const moments = phases.flatMap(({ phase, seconds }) =>
    seconds === null || phase === "redundant again" || phase === "fenced"
      ? []
      : [{ text: `${phase} ${seconds.toFixed(2)} s`, at: seconds }],
  );
  const marks = [{ text: "fault", at: 0 }, ...moments].map(({ text, at }, index) => {
    const row = EDGE.top - 6 - (index % LABEL_ROWS) * LABEL_ROW;
    const anchor = x(at) > WIDTH * 0.7 ? "end" : "start";
    const shift = anchor === "end" ? -3 : 3;
    return (
      `<line x1="${x(at)}" x2="${x(at)}" y1="${row - 8}" y2="${HEIGHT - EDGE.bottom}" stroke="var(--c1)" stroke-dasharray="${index === 0 ? "" : "4 3"}"/>` +
      `<text x="${x(at) + shift}" y="${row}" text-anchor="${anchor}">${asText(text)}</text>`
    );
  });
  const step = end > 20 ? 5 : end > 8 ? 2 : 1;
  const ticks = Array.from(
    { length: Math.floor((end - start) / step) + 1 },
    (_, at) => Math.ceil(start / step) * step + at * step,
  )
    .filter((second) => second >= start && second <= end)
    .map((second) => `<text x="${x(second)}" y="${HEIGHT - EDGE.bottom + 16}" text-anchor="middle">${second} s</text>`);
  const told = moments.map(({ text }) => text).join(", ");
  return [
    "<figure>",
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="timeline-title timeline-text">`,
    `<title id="timeline-title">Tokens of all streams around the fault</title>`,
    `<desc id="timeline-text">${asText(`Bars of ${slice} s. After the fault (${scenario}): ${told || "nothing moved"}.`)}</desc>`,
    `<text x="2" y="${y(most) + 4}">${most}</text><text x="2" y="${y(0)}">0</text>`,
    `<line class="rule" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${y(0)}" y2="${y(0)}"/>`,
    ...bars,
    ...ticks,
    ...marks,
    "</svg>",
    `<figcaption>Tokens that arrived in each ${slice} s, all streams together; seconds after the fault</figcaption>`,
    "</figure>",
  ].join("\n");
}

const round = (value: number) => Math.round(value * 10) / 10;
