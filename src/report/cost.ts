import type { CostAnswer, LocalCost } from "../plan/cost/cost.ts";
import type { Range } from "../plan/performance/range.ts";
import { thousands } from "../plan/thousands.ts";
import { costVerdict } from "./cost-verdict.ts";
import { dollars, percent, span } from "./money.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { table } from "./table.ts";
import { wrap } from "./wrap.ts";

/** Owned, rented and bought tokens side by side as a person reads it, at most 80 columns, and which is cheaper. */
export function costText(answer: CostAnswer, paint: Paint = plainPaint): string {
  const { ask, local, bought } = answer;
  const sections = [
    wrap(sentence(answer)),
    [
      paint("heading", "ONE MILLION OUTPUT TOKENS, with the input that belongs to them"),
      ...table(
        [
          ...local.map(({ name, usdPerMillionOutput, usdPerMonth, date }) => [
            name,
            span(usdPerMillionOutput, dollars),
            `${span(usdPerMonth, dollars)} a month; ${date}`,
          ]),
          ...bought.map(({ name, usdPerMillionOutput, date, note }) => [
            `bought, ${name}`,
            dollars(usdPerMillionOutput),
            note === undefined ? date : `${note}; ${date}`,
          ]),
        ],
        "  ",
      ),
      ...(local.some(({ name }) => name === "owned")
        ? []
        : wrap(
            `no dated price to ${local.length > 0 ? "buy" : "buy or rent"} a server of ${ask.gpu} is known; give one with --prices`,
            "  ! ",
          )),
    ],
    [paint("heading", "WHO IS CHEAPER"), ...costVerdict(answer).flatMap((line) => wrap(line, "  "))],
    ...breakEvenSection(local, paint),
    standbySection(answer, paint),
    wrap(
      "Prices age: each has its date and source (--output json), and --prices FILE replaces any. What no price says: data that may not leave, a model that does not change, no limits of rate.",
    ),
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function sentence({ ask, servers, serversPerGroup, layout, usersAtPeak, ...answer }: CostAnswer): string {
  const rate = answer.outputTokensPerSecondAtPeak;
  const month = answer.millionOutputPerMonth;
  return `${servers} ${servers === 1 ? "server" : "servers"} of 8 × ${ask.gpu} (one group of ${serversPerGroup}, ${layout}, standby ${ask.standby}) carry ${thousands(usersAtPeak)} users at once, ${whole(rate)} output tokens/s at ${thousands(ask.inputTokens)} in and ${thousands(ask.outputTokens)} out. Used at ${percent(ask.utilisation)} over the year: ${whole(month)} million output tokens a month.`;
}

function breakEvenSection(local: readonly LocalCost[], paint: Paint): string[][] {
  if (local.length === 0) return [];
  const heading = paint("heading", "BREAK-EVEN, mean load from which your servers are cheaper");
  const isNever = local.every(({ breakEven }) => Object.values(breakEven).every(({ low }) => low > 1));
  return [[heading, ...(isNever ? ["  never, with any of these prices"] : breakEvenLines(local))]];
}

function breakEvenLines(local: readonly LocalCost[]): string[] {
  const names = Object.keys(local[0]?.breakEven ?? {});
  const rows = local.map(({ name, breakEven }) => [name, ...names.map((bought) => breakEvenCell(breakEven[bought]))]);
  return table([["", ...names.map((name) => name.replace("deepseek ", ""))], ...rows], "  ");
}

function breakEvenCell(range: Range | undefined): string {
  if (range === undefined) return "";
  if (range.low > 1) return "never";
  return range.high > 1 ? `${percent(range.low)} to never` : span(range, percent);
}

function standbySection(answer: CostAnswer, paint: Paint): string[] {
  const faults = answer.outages[0]?.faultsPerYear ?? 0;
  return [
    paint("heading", `STANDBY, with ${faults.toFixed(1)} faults a year that stop the serving group`),
    ...answer.outages.flatMap(({ standby, minutesPerYear }) => {
      const price = answer.standbyUsdPerMonth[standby];
      const pays = answer.outageHourPays[standby];
      const extra =
        standby === "none" || standby === "degraded"
          ? "no further servers"
          : price === undefined
            ? "price unknown"
            : `${span(price, dollars)} a month more`;
      // The low end: every fault waits for a repair of days. The high end: a restart of minutes cures each.
      const worth =
        pays === undefined
          ? ""
          : `; pays if an hour without service costs more than ${dollars(pays.low)} (repairs take days) to ${dollars(pays.high)} (a restart cures it)`;
      const after = standby === "degraded" ? ", then the 4-bit build until the repair" : "";
      return wrap(
        `${standby}: ${minutes(minutesPerYear)} a year without service${after}; ${extra}${worth}`,
        "  ",
        "    ",
      );
    }),
  ];
}

function minutes(range: Range): string {
  const unit = range.high >= 600 ? "hours" : "minutes";
  const by = unit === "hours" ? 60 : 1;
  return `${span({ low: range.low / by, high: range.high / by }, (value) => value.toFixed(value < 10 ? 1 : 0))} ${unit}`;
}

const whole = (range: Range) => span(range, (value) => thousands(Number(value.toPrecision(3))));
