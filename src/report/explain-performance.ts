import { CONSTANT_NAMES, CONSTANTS, type ConstantName } from "../plan/performance/constants.ts";
import { MODEL_OUTPUTS } from "../plan/performance/outputs.ts";
import { SOURCES, USED_POINTS } from "../plan/performance/points.ts";
import { HALF_WIDTH } from "../plan/performance/range.ts";
import { type Explanation, explanation } from "./explanation.ts";

/** Figures of the performance model and its constants. */
export const PERFORMANCE_TOPICS: readonly string[] = [...Object.keys(MODEL_OUTPUTS), ...CONSTANT_NAMES];

/** `tandem explain ttft`: formula, inputs, constants with their values, and the published runs behind them. */
export function explainPerformance(topic: string): Explanation | undefined {
  const output = Object.hasOwn(MODEL_OUTPUTS, topic) ? MODEL_OUTPUTS[topic] : undefined;
  if (output !== undefined) {
    const { means, formula, inputs, constants } = output;
    return explanation(
      `FIGURE ${topic}: ${means}`,
      {
        formula,
        inputs,
        constant: constants.map((name) => `${name} ${CONSTANTS[name].value}: ${CONSTANTS[name].meaning}`),
        range: `±${HALF_WIDTH * 100} % of the figure; how often published runs lie inside stands in docs/planner.md`,
        source: sources(),
      },
      {
        kind: "figure",
        figure: topic,
        means,
        formula,
        inputs,
        constants: values(constants),
        halfWidth: HALF_WIDTH,
        sources: usedSources(),
      },
    );
  }
  const name = CONSTANT_NAMES.find((known) => known === topic);
  if (name === undefined) return undefined;
  const { value, prior, meaning, source } = CONSTANTS[name];
  return explanation(
    `CONSTANT ${name} = ${value}`,
    {
      means: meaning,
      prior: `${prior} (${source})`,
      moves: Object.entries(MODEL_OUTPUTS)
        .filter(([, { constants }]) => constants.includes(name))
        .map(([figure]) => figure)
        .join(", "),
      source: sources(),
    },
    { kind: "constant", constant: name, value, prior, meaning, priorSource: source, sources: usedSources() },
  );
}

function usedSources() {
  return [...new Set(USED_POINTS.map(({ source }) => source))].flatMap((source) => SOURCES[source] ?? []);
}

function sources(): string[] {
  return ["fitted on published runs:", ...usedSources().map(({ what, date, url }) => `${what} (${date}) ${url}`)];
}

const values = (names: readonly ConstantName[]) =>
  Object.fromEntries(names.map((name) => [name, CONSTANTS[name].value]));
