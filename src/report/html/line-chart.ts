import { type Axis, shareOf } from "./axis.ts";
import { asText } from "./markup.ts";

export interface Series {
  name: string;
  points: readonly (readonly [number, number])[];
  /** The range about the line: its lower edge and its upper edge, point by point. */
  band?: { low: readonly (readonly [number, number])[]; high: readonly (readonly [number, number])[] };
}

export interface LineChart {
  /** Unique on the page. */
  id: string;
  title: string;
  /** What somebody who cannot see the chart must know; the figures stand in a table beside it. */
  description: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
}

// Small on purpose: a phone shows it almost one to one, so that the letters stay readable.
const WIDTH = 420;
const HEIGHT = 300;
const EDGE = { left: 58, right: 24, top: 26, bottom: 44 };
const COLOURS = 6;
/** Lines differ by dash as well as by colour: paper may be grey, and eyes differ. */
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "1 4", "12 4"];

/** A line chart as inline SVG with a legend; nothing is said by colour alone. */
export function lineChart(chart: LineChart): string {
  const { id, title, description, x, y, series } = chart;
  return [
    `<figure>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-text">`,
    `<title id="${id}-title">${asText(title)}</title><desc id="${id}-text">${asText(description)}</desc>`,
    `<clipPath id="${id}-plot"><rect x="${EDGE.left}" y="${EDGE.top}" width="${WIDTH - EDGE.left - EDGE.right}" height="${HEIGHT - EDGE.top - EDGE.bottom}"/></clipPath>`,
    ...xTicks(x),
    ...yTicks(y),
    `<text x="${(EDGE.left + WIDTH - EDGE.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${asText(x.label)}</text>`,
    `<text x="4" y="14">${asText(y.label)}</text>`,
    `<g clip-path="url(#${id}-plot)">`,
    ...series.map((one, at) => lineOf(one, at, x, y)),
    "</g></svg>",
    legend(series),
    `<figcaption>${asText(title)}</figcaption>`,
    "</figure>",
  ].join("\n");
}

function lineOf({ points, band }: Series, at: number, x: Axis, y: Axis): string {
  const place = ([a, b]: readonly [number, number]) => `${px(x, a)},${py(y, b)}`;
  const colour = `var(--c${at % COLOURS})`;
  const line = `<polyline points="${points.map(place).join(" ")}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${DASHES[at % DASHES.length]}"/>`;
  const marks = points.map(([a, b]) => `<circle cx="${px(x, a)}" cy="${py(y, b)}" r="2.5" fill="${colour}"/>`);
  const area =
    band === undefined
      ? ""
      : `<polygon points="${[...band.low, ...band.high.toReversed()].map(place).join(" ")}" fill="${colour}" opacity="0.15"/>`;
  return area + line + (points.length > 2 ? marks.join("") : "");
}

function legend(series: readonly Series[]): string {
  const rows = series.map(({ name }, at) => {
    const line = `<line x1="0" y1="6" x2="34" y2="6" stroke="var(--c${at % COLOURS})" stroke-width="3" stroke-dasharray="${DASHES[at % DASHES.length]}"/>`;
    return `<li><svg viewBox="0 0 34 12" aria-hidden="true">${line}</svg>${asText(name)}</li>`;
  });
  return `<ul class="legend">${rows.join("")}</ul>`;
}

function xTicks(axis: Axis): string[] {
  return axis.ticks.flatMap((value) => {
    const at = px(axis, value);
    return [
      `<line class="rule" x1="${at}" x2="${at}" y1="${EDGE.top}" y2="${HEIGHT - EDGE.bottom}"/>`,
      `<text x="${at}" y="${HEIGHT - EDGE.bottom + 17}" text-anchor="middle">${asText(axis.format(value))}</text>`,
    ];
  });
}

function yTicks(axis: Axis): string[] {
  return axis.ticks.flatMap((value) => {
    const at = py(axis, value);
    return [
      `<line class="rule" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${at}" y2="${at}"/>`,
      `<text x="${EDGE.left - 6}" y="${at + 4}" text-anchor="end">${asText(axis.format(value))}</text>`,
    ];
  });
}

const px = (axis: Axis, value: number) => round(EDGE.left + shareOf(axis, value) * (WIDTH - EDGE.left - EDGE.right));
const py = (axis: Axis, value: number) =>
  round(HEIGHT - EDGE.bottom - shareOf(axis, value) * (HEIGHT - EDGE.top - EDGE.bottom));
const round = (value: number) => Math.round(value * 10) / 10;
