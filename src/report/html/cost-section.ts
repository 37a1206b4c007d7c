import type { CostCurves, OwnedLine } from "../../plan/cost/by-utilisation.ts";
import type { Question } from "../../plan/performance/curves.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { thousands } from "../../plan/thousands.ts";
import { dollars, percent, span } from "../money.ts";
import { axisOf } from "./axis.ts";
import { lineChart, type Series } from "./line-chart.ts";
import { paragraphs, sectionOf, sideBySide, tableOf } from "./markup.ts";

const SHOWN = [0.1, 0.24, 0.5, 1];

/** What a million output tokens costs against how busy the servers are, beside bought tokens. */
export function costSection(plan: ServingPlan, cost: CostCurves | undefined, question: Question): string {
  const title = "Cost against utilisation";
  const kind = Object.values(plan.spec.servers)[0]?.gpu ?? "";
  if (cost === undefined || cost.lines.length === 0) {
    return sectionOf(
      "cost",
      title,
      paragraphs(
        `No price is known for servers of ${plan.gpusPerServer} × ${kind}; give one with --prices FILE (docs/planner.md says its form).`,
      ),
    );
  }
  const { lines, bought, peak, servers } = cost;
  const drawn = [lines.find(({ name }) => name === "owned"), cheapestRent(lines)].filter((line) => line !== undefined);
  const series: Series[] = [
    ...drawn.map(seriesOf),
    ...bought.map(({ name, usdPerMillionOutput: usd }) => ({
      name: `bought, ${name}`,
      points: [
        [0, usd],
        [1, usd],
      ] as const,
    })),
  ];
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  return sectionOf(
    "cost",
    title,
    paragraphs(
      `All ${servers} servers are paid for, standby and spare too; at its fullest hour one group serves ${thousands(peak.users)} users. Dollars for a million output tokens with the ${thousands(question.inputTokens / question.outputTokens)} million input tokens that belong to them. The prices, their dates and what else counts: tandem cost.`,
    ),
    sideBySide(
      lineChart({
        id: "cost-chart",
        title: "Dollars for a million output tokens against the mean load over the year",
        description: describe(drawn, bought),
        x: axisOf({ label: "mean load over the year", values: [0, 1], format: percent }),
        y: axisOf({ label: "$ for a million output tokens", values, isLog: true, format: (value) => `$${value}` }),
        series,
      }),
      tableOf(
        "Dollars for a million output tokens",
        ["Way", ...SHOWN.map((share) => `at ${percent(share)}`), "Price of"],
        [
          ...lines.map((line) => [line.name, ...SHOWN.map((share) => cell(line, share)), line.date]),
          ...bought.map(({ name, usdPerMillionOutput, date }) => [
            `bought, ${name}`,
            ...SHOWN.map(() => dollars(usdPerMillionOutput)),
            date,
          ]),
        ],
      ),
    ),
  );
}

function seriesOf({ name, usdPerMillionOutput }: OwnedLine): Series {
  // The middle of a range of prices is a geometric one: half as dear and twice as dear lie equally far.
  return {
    name,
    points: usdPerMillionOutput.map(
      ({ utilisation, range }) => [utilisation, Math.sqrt(range.low * range.high)] as const,
    ),
    band: {
      low: usdPerMillionOutput.map(({ utilisation, range }) => [utilisation, range.low] as const),
      high: usdPerMillionOutput.map(({ utilisation, range }) => [utilisation, range.high] as const),
    },
  };
}

function cheapestRent(lines: readonly OwnedLine[]): OwnedLine | undefined {
  return lines
    .filter(({ name }) => name !== "owned")
    .toSorted((a, b) => a.usdPerServerHour.low - b.usdPerServerHour.low)[0];
}

function cell({ usdPerMillionOutput }: OwnedLine, share: number): string {
  const at = usdPerMillionOutput.find(({ utilisation }) => utilisation === share);
  return at === undefined ? "" : span(at.range, dollars);
}

function describe(lines: readonly OwnedLine[], bought: CostCurves["bought"]): string {
  const own = lines.map(
    (line) => `${line.name}: ${SHOWN.map((share) => `${cell(line, share)} at ${percent(share)}`).join(", ")}.`,
  );
  const prices = bought.map(({ name, usdPerMillionOutput }) => `${name} ${dollars(usdPerMillionOutput)}`);
  return `Lines fall as the servers get busier. ${own.join(" ")} Bought, whatever the load: ${prices.join(", ")}.`;
}
