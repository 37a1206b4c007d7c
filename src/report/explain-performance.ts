import { MODEL_OUTPUTS, type Source, sourcesOf } from "../plan/outputs/all.ts";
import { CONSTANT_NAMES, CONSTANTS, type ConstantName } from "../plan/performance/constants.ts";
import { HALF_WIDTH } from "../plan/performance/range.ts";
import { type Explanation, explanation } from "./explanation.ts";

/** Figures of the planner and constants of its performance model. */
export const PERFORMANCE_TOPICS: readonly string[] = [...Object.keys(MODEL_OUTPUTS), ...CONSTANT_NAMES];

/** `tandem explain ttft`: formula, inputs, constants with their values, and what stands behind them, with dates. */
export function explainPerformance(topic: string): Explanation | undefined {
  // A reader of `--output json` knows the field, not the topic.
  const asked = Object.entries(MODEL_OUTPUTS).find(([name, { figures }]) => name === topic || figures.includes(topic));
  if (asked !== undefined) return explainFigure(...asked);
  const name = CONSTANT_NAMES.find((known) => known === topic);
  return name && explainConstant(name);
}

function explainFigure(
  topic: string,
  { means, formula, inputs, constants, figures, sources }: (typeof MODEL_OUTPUTS)[string],
): Explanation {
  const behind = sourcesOf(sources);
  const isRange = sources === "published runs";
  return explanation(
    `FIGURE ${topic}: ${means}`,
    {
      formula,
      inputs,
      constant: constants.map((name) => `${name} ${CONSTANTS[name].value}: ${CONSTANTS[name].meaning}`),
      range: isRange
        ? `±${HALF_WIDTH * 100} % of a time or rate; how often published runs lie inside stands in docs/planner.md`
        : undefined,
      json: figures.length > 0 ? figures.join(", ") : undefined,
      source: sourceLines(isRange ? "fitted on published runs:" : undefined, behind),
    },
    {
      kind: "figure",
      figure: topic,
      means,
      formula,
      inputs,
      constants: Object.fromEntries(constants.map((name) => [name, CONSTANTS[name].value])),
      ...(isRange ? { halfWidth: HALF_WIDTH } : {}),
      fields: figures,
      sources: behind,
    },
  );
}

function explainConstant(name: ConstantName): Explanation {
  const { value, prior, meaning, source } = CONSTANTS[name];
  const behind = sourcesOf("published runs");
  return explanation(
    `CONSTANT ${name} = ${value}`,
    {
      means: meaning,
      prior: `${prior} (${source})`,
      moves: Object.entries(MODEL_OUTPUTS)
        .filter(([, { constants }]) => constants.includes(name))
        .map(([figure]) => figure)
        .join(", "),
      source: sourceLines("fitted on published runs:", behind),
    },
    { kind: "constant", constant: name, value, prior, meaning, priorSource: source, sources: behind },
  );
}

function sourceLines(first: string | undefined, sources: readonly Source[]): string[] {
  const lines = sources.map(({ what, date, url }) => `${what} (${date})${url === undefined ? "" : ` ${url}`}`);
  return first === undefined ? lines : [first, ...lines];
}
