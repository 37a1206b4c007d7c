import type { CurvePoint, LayoutCurve, Question } from "../../plan/performance/curves.ts";
import { HALF_WIDTH, rangeOf } from "../../plan/performance/range.ts";
import { thousands } from "../../plan/thousands.ts";
import { span } from "../money.ts";
import { axisOf } from "./axis.ts";
import { lineChart } from "./line-chart.ts";
import { detailsOf, paragraphs, sectionOf, sideBySide, tableOf } from "./markup.ts";

const HEAD = ["Users at once", "First token, s", "Tokens/s of each", "Tokens/s of the group"];

/** Latency against throughput: each layout from a lone user to as many as it takes. */
export function speedSection(curves: readonly LayoutCurve[], { inputTokens, outputTokens }: Question): string {
  const all = curves.flatMap(({ points }) => points);
  const series = curves.map(({ layout, points, isChosen, isMeasured }) => {
    const line = points.map(place);
    const scaled = (by: number) => line.map(([x, y]) => [x * by, y * by] as const);
    const name = `${layout.name}${isChosen ? ", chosen" : ""}${isMeasured ? "" : ", no published run"}`;
    return isChosen
      ? { name, points: line, band: { low: scaled(1 - HALF_WIDTH), high: scaled(1 + HALF_WIDTH) } }
      : { name, points: line };
  });
  const [chosen, ...others] = curves;
  const ends = curves.map(({ layout, points }) => endsOf(layout.name, points));
  const chart = lineChart({
    id: "speed-chart",
    title: "Tokens a second of one group against tokens a second of each user",
    description: `Each line goes from one user, right, to as many as the layout takes, top left. ${ends.join(" ")}`,
    x: axisOf({ label: "tokens/s of each user", values: all.map((point) => place(point)[0]), format: figure }),
    y: axisOf({
      label: "tokens/s of the group",
      values: all.map((point) => place(point)[1]),
      isLog: true,
      format: figure,
    }),
    series,
  });
  return sectionOf(
    "speed",
    "How fast one group is",
    paragraphs(
      `For questions of ${thousands(inputTokens)} tokens and answers of ${thousands(outputTokens)}, nothing cached. A line climbs to the left as users join: more tokens in all, fewer for each. The shade is the range of the chosen layout, ±${HALF_WIDTH * 100} %.${curves.some(({ isMeasured }) => !isMeasured) ? " Where no published run shows a layout, the line is the model's alone: measure it before you choose it." : ""}`,
    ),
    sideBySide(
      chart,
      chosen === undefined ? "" : tableOf(`${chosen.layout.name}, chosen: what users get`, HEAD, rows(chosen.points)),
    ),
    others.length === 0
      ? ""
      : detailsOf(
          "The figures of the other layouts",
          others.map(({ layout, points }) => tableOf(layout.name, HEAD, rows(points))).join("\n"),
        ),
  );
}

const place = ({ tokensPerSecondEach, outputTokensPerSecond }: CurvePoint) =>
  [tokensPerSecondEach, outputTokensPerSecond] as const;

function rows(points: readonly CurvePoint[]): string[][] {
  return points.map(({ users, ttftSeconds, tokensPerSecondEach, outputTokensPerSecond }) => [
    thousands(users),
    span(rangeOf(ttftSeconds), (value) => value.toFixed(1)),
    span(rangeOf(tokensPerSecondEach), figure),
    span(rangeOf(outputTokensPerSecond), figure),
  ]);
}

function endsOf(name: string, points: readonly CurvePoint[]): string {
  const [one, most] = [points[0], points.at(-1)];
  if (one === undefined || most === undefined) return "";
  return `${name}: ${figure(one.tokensPerSecondEach)} for a lone user, ${figure(most.tokensPerSecondEach)} each and ${figure(most.outputTokensPerSecond)} in all with ${thousands(most.users)}.`;
}

const figure = (value: number) => thousands(Number(value.toPrecision(2)));
