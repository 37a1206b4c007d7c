import type { Dashboard } from "../../dashboard/dashboard.ts";
import { asText } from "../markup.ts";

const WIDTH = 240;
const HEIGHT = 100;

/** Tokens a second of each group over the last minute, as a picture that fills its place; its sentence says the figures. */
export function flowPart({ flow, groups }: Dashboard): string {
  const rates = groups.map(({ id }) => flow.rates[id] ?? []);
  const most = roundUp(Math.max(10, ...rates.flat()));
  const count = Math.max(2, ...rates.map(({ length }) => length));
  const x = (at: number) => round((at * WIDTH) / (count - 1));
  const y = (rate: number) => round(1 + (1 - rate / most) * (HEIGHT - 2));
  const seconds = Math.round((count * flow.sliceMs) / 1000);
  const shapes = rates.map((row, at) => {
    const points = row.map((rate, slice) => `${x(slice)},${y(rate)}`).join(" ");
    const area = `${x(0)},${HEIGHT} ${points} ${x(row.length - 1)},${HEIGHT}`;
    return row.length === 0
      ? ""
      : `<polygon class="area" fill="${colourOf(at)}" points="${area}"/><polyline class="line" ${strokeOf(at)} points="${points}"/>`;
  });
  const sentence = groups.map(({ id, tokensPerSecond }) => `group ${id} ${tokensPerSecond}`).join(", ");
  const legend = groups.map(
    ({ id, tokensPerSecond }, at) =>
      `<li><svg viewBox="0 0 36 14" aria-hidden="true"><line x1="0" y1="7" x2="36" y2="7" stroke-width="3" ${strokeOf(at)}/></svg>group ${asText(id)}: ${tokensPerSecond} tokens a second</li>`,
  );
  return [
    `<figure class="flow"><p class="axis" aria-hidden="true">${most} tokens a second</p>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="Tokens a second over the last ${seconds} seconds, now ${asText(sentence)}">`,
    ...shapes,
    "</svg>",
    `<p class="axis" aria-hidden="true"><span>${seconds} s ago</span><span>now</span></p>`,
    `<figcaption><ul class="legend">${legend.join("")}</ul></figcaption>`,
    "</figure>",
  ].join("");
}

const colourOf = (at: number): string => `var(--c${at % 6})`;
const strokeOf = (at: number): string => `stroke="${colourOf(at)}"${at === 0 ? "" : ' stroke-dasharray="6 3"'}`;

function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / unit) * unit;
}

const round = (value: number): number => Math.round(value * 10) / 10;
