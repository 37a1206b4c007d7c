import { readFileSync, writeFileSync } from "node:fs";
import { PRICES } from "../../src/plan/cost/prices.ts";
import { CONSTANT_NAMES, CONSTANTS, FITTED, SPEEDS } from "../../src/plan/performance/constants.ts";
import { POINT_RULE, POINTS, type Point, predict, SOURCES, USED_POINTS } from "../../src/plan/performance/points.ts";
import { HALF_WIDTH } from "../../src/plan/performance/range.ts";
import { median } from "../bench/bench.ts";
import { besideAiconfigurator } from "./performance-beside.ts";
import { leaveOneSourceOut } from "./performance-fit.ts";

export const PAGE = "docs/planner.md";

const UNITS: Record<Point["metric"], string> = {
  tpotMs: "ms a token",
  ttftMs: "ms to first token",
  outputTokensPerSecond: "output tokens/s",
  requestsPerSecond: "requests/s",
  prefillTokensPerSecond: "input tokens/s",
};

/** The page with every generated part made anew; what stands between the marks is never edited by hand. */
export function generatedPage(page: string): string {
  return page.replace(
    /(<!-- generated: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_all, open: string, name: string, close: string) => `${open}\n${part(name)}\n\n${close}`,
  );
}

function part(name: string): string {
  const make = { constants, errors, left: leftOut, aside, aiconfigurator, speeds, prices }[name];
  if (make === undefined) throw new Error(`${PAGE} asks for a part that nobody makes: ${name}`);
  return make();
}

function errors(): string {
  const left = leaveOneSourceOut();
  const absolute = left.map(({ error }) => Math.abs(error));
  const inside = left.filter(({ point, predicted }) => Math.abs(point.measured / predicted - 1) <= HALF_WIDTH).length;
  return rows(
    ["what", "wanted", "is"],
    [
      ["median error without the source", "at most 20 %", percent(median(absolute), 1)],
      ["worst error without the source", "at most 40 %", percent(Math.max(...absolute), 1)],
      [`points inside ±${percent(HALF_WIDTH)} of the figure`, "at least 80 %", percent(inside / left.length)],
      ["constants for the points used", "at most half", `${CONSTANT_NAMES.length} for ${USED_POINTS.length}`],
    ],
  );
}

function constants(): string {
  return rows(
    ["constant", "value", "prior", "means"],
    CONSTANT_NAMES.map((name) => {
      const { value, prior, meaning, source } = CONSTANTS[name];
      return [`\`${name}\``, String(value), String(prior), `${meaning} (${source})`];
    }),
  );
}

function leftOut(): string {
  return rows(
    ["source", "run", "measured", "without the source", "error", "with all"],
    leaveOneSourceOut().map(({ point, predicted, error }) => [
      link(point.source),
      run(point),
      `${figure(point.measured)} ${UNITS[point.metric]}`,
      figure(predicted),
      percent(error),
      percent(predict(point, FITTED) / point.measured - 1),
    ]),
  );
}

function aside(): string {
  return rows(
    ["source", "run", "measured", "model", "error", "why set aside"],
    POINTS.filter(({ setAside }) => setAside !== undefined).map((point) => {
      const predicted = predict(point, FITTED);
      return [
        link(point.source),
        run(point),
        `${figure(point.measured)} ${UNITS[point.metric]}`,
        figure(predicted),
        percent(predicted / point.measured - 1),
        point.setAside ?? "",
      ];
    }),
  ).concat(`\n\n${POINT_RULE}`);
}

function aiconfigurator(): string {
  const head = ["layout", "in / out", "at once", "ms a token: theirs, ours", "tokens/s: theirs, ours"];
  const body = besideAiconfigurator().map(({ layout, inputTokens, outputTokens, concurrency, theirs, ours }) => [
    layout,
    `${inputTokens} / ${outputTokens}`,
    String(concurrency),
    `${theirs.tpotMs}, ${figure(ours.tpotMs)}`,
    `${theirs.outputTokensPerSecond}, ${figure(ours.outputTokensPerSecond)}`,
  ]);
  return rows(head, body);
}

function speeds(): string {
  return rows(
    ["GPU", "memory GB/s", "FP8 TFLOPS, dense", "BF16 TFLOPS, dense", "GB/s between GPUs", "source"],
    Object.entries(SPEEDS).map(([kind, { hbmGBPerSecond, fp8Tflops, bf16Tflops, insideGBPerSecond, source }]) => [
      kind,
      String(hbmGBPerSecond),
      fp8Tflops === null ? "none" : String(fp8Tflops),
      String(bf16Tflops),
      String(insideGBPerSecond),
      source,
    ]),
  );
}

function prices(): string {
  const { servers, rents, tokens } = PRICES;
  return rows(
    ["what", "dollars", "date", "source"],
    [
      ...Object.entries(servers).map(([gpu, { lowUsd, highUsd, date, source }]) => [
        `a server of 8 × ${gpu}`,
        `${lowUsd} to ${highUsd}`,
        date,
        source,
      ]),
      ...Object.entries(rents).map(
        ([name, { gpu, usdPerServerHour: low, highUsdPerServerHour: high, date, source }]) => [
          `8 × ${gpu} for an hour, ${name}`,
          high === undefined ? String(low) : `${low} to ${high}`,
          date,
          source,
        ],
      ),
      ...Object.entries(tokens).map(([name, { inputUsd, cachedInputUsd, outputUsd, date, source }]) => [
        `a million tokens of ${name}`,
        `${inputUsd} in, ${cachedInputUsd} cached, ${outputUsd} out`,
        date,
        source,
      ]),
    ],
  );
}

function link(source: string): string {
  const { what, url, date } = SOURCES[source] ?? { what: source, url: "", date: "" };
  return `[${what}](${url}), ${date}`;
}

function run({ gpu, servers, layout, concurrency, inputTokens, outputTokens }: Point): string {
  return `${servers} × 8 ${gpu}, ${layout}, ${Math.round(concurrency)} at once, ${inputTokens} / ${outputTokens}`;
}

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}

const figure = (value: number) => String(Number(value.toPrecision(3)));
const percent = (share: number, digits = 0) => `${(share * 100).toFixed(digits)} %`;

// `tandem-dev test/plan/performance-docs.ts` writes the page anew.
if (process.argv[1]?.endsWith("performance-docs.ts")) writeFileSync(PAGE, generatedPage(readFileSync(PAGE, "utf8")));
