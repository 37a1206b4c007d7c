import type { MemoryPlan } from "../../plan/serving-plan.ts";
import { barParts } from "../memory-bar.ts";
import { asText } from "./markup.ts";

const WIDTH = 420;
const ROW = 44;
const BAR = 20;
const EDGE = 1;

/** One bar for each layout: what fills one of its GPUs, drawn to one scale. Parts differ by pattern as well as colour. */
export function memoryBars(id: string, rows: readonly { name: string; memory: MemoryPlan }[]): string {
  const most = Math.max(...rows.map(({ memory }) => memory.gpuGiB));
  const height = rows.length * ROW;
  const bars = rows.map(({ name, memory }, row) => {
    const top = row * ROW;
    let from = 0;
    const parts = barParts(memory).map(({ gib }, at) => {
      const width = (gib / most) * (WIDTH - 2 * EDGE);
      const rect = `<rect x="${round(EDGE + from)}" y="${top + 18}" width="${round(width)}" height="${BAR}" fill="url(#${id}-${at})" stroke="var(--text)" stroke-width="0.5"/>`;
      from += width;
      return rect;
    });
    return `<text x="0" y="${top + 13}">${asText(name)}</text>${parts.join("")}`;
  });
  const names = rows[0] === undefined ? [] : barParts(rows[0].memory).map(({ name }) => name);
  const description = rows.map(
    ({ name, memory }) =>
      `${name}: ${barParts(memory)
        .map((part) => `${part.name} ${part.gib.toFixed(1)} GiB`)
        .join(", ")}.`,
  );
  return [
    "<figure>",
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">`,
    `<title id="${id}-title">Memory of one GPU for each layout</title><desc id="${id}-text">${asText(description.join(" "))}</desc>`,
    `<defs>${names.map((_name, at) => patternOf(id, at)).join("")}</defs>`,
    ...bars,
    "</svg>",
    `<ul class="legend">${names.map((name, at) => `<li><svg viewBox="0 0 34 12" aria-hidden="true"><rect x="0.5" y="0.5" width="33" height="11" fill="url(#${id}-${at})" stroke="var(--text)" stroke-width="0.5"/></svg>${asText(name)}</li>`).join("")}</ul>`,
    `<figcaption>Memory of one GPU for each layout, in GiB of the ${most.toFixed(1)} that it has</figcaption>`,
    "</figure>",
  ].join("\n");
}

/** Full, hatched, dotted, empty. */
function patternOf(id: string, at: number): string {
  const colour = `var(--c${at})`;
  const inside = [
    `<rect width="6" height="6" fill="${colour}"/>`,
    `<path d="M0 6L6 0" stroke="${colour}" stroke-width="2.5"/>`,
    `<circle cx="3" cy="3" r="1.5" fill="${colour}"/>`,
    "",
  ][at];
  return `<pattern id="${id}-${at}" width="6" height="6" patternUnits="userSpaceOnUse">${inside ?? ""}</pattern>`;
}

const round = (value: number) => Math.round(value * 10) / 10;
