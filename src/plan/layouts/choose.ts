import type { ClusterSpec } from "../../spec/schema.ts";
import { engineShape, fabricOf } from "../performance/engine-shape.ts";
import { estimate } from "../performance/estimate.ts";
import { rangeOf } from "../performance/range.ts";
import type { Layout } from "../serving-plan.ts";
import { thousands } from "../thousands.ts";
import type { Fleet } from "./fleet.ts";
import type { Judged } from "./judge.ts";
import { isMeasuredKind } from "./measured.ts";
import { usualLayouts } from "./usual.ts";

/** The chosen layout with the reason in one sentence. */
export interface Choice {
  judged: Judged;
  why: string;
}

type Aim = ClusterSpec["engine"]["optimizeFor"];

/** The question that layouts are compared by: a chat turn with some context. */
const INPUT_TOKENS = 2000;
const OUTPUT_TOKENS = 500;
/** Figures nearer than the model's median error to unseen runs say nothing; then what is better travelled wins. */
const WITHIN = 1.2;

/** Larger is better, compared from the left: what decides where the figures do not. */
const TRAVELLED: Record<Aim, (layout: Layout) => number[]> = {
  // All GPUs work on every token: no attention DP, the widest tensor parallelism, experts split like the rest.
  latency: ({ dataParallel, tensorParallel, expertParallel }) => [-dataParallel, tensorParallel, -expertParallel],
  // Every rank its own sequences, every expert on one rank: the shape of the published throughput records.
  throughput: ({ pipelineParallel, dataParallel, expertParallel }) => [-pipelineParallel, dataParallel, expertParallel],
  context: ({ tensorParallel, expertParallel }) => [tensorParallel, -expertParallel],
};

/**
 * Picks among the layouts that can run, by the performance model: the shortest time per token of a lone answer, or the
 * most tokens a second of a full group. Of the kinds that published runs speak to if one runs, else of those that people
 * use; a mixture that nobody has measured should be somebody's decision. Never a pipeline of more stages than servers,
 * nor redundant experts that were not asked for. `context` asks the memory alone.
 */
export function chooseLayout(kept: readonly Judged[], spec: ClusterSpec, fleet: Fleet): Choice | undefined {
  const { optimizeFor: aim } = spec.engine;
  const rated = eligible(kept, spec, fleet).map((judged) => ({ judged, figure: figureOf(aim, judged, spec, fleet) }));
  if (rated.length === 0) return undefined;
  const best = Math.max(...rated.map(({ figure }) => figure));
  const tolerance = aim === "context" ? 1 : WITHIN;
  const close = rated.filter(({ figure }) => figure * tolerance >= best);
  const [chosen] = close.sort((a, b) => compare(TRAVELLED[aim](b.judged.layout), TRAVELLED[aim](a.judged.layout)));
  return chosen && { judged: chosen.judged, why: reason(aim, chosen.judged, chosen.figure) };
}

function eligible(kept: readonly Judged[], spec: ClusterSpec, fleet: Fleet): readonly Judged[] {
  const { optimizeFor: aim, redundantExperts } = spec.engine;
  const usual = usualLayouts(
    kept.map((judged) => ({ ...judged.layout, judged })),
    fleet.servers,
    redundantExperts,
  ).map(({ judged }) => judged);
  if (usual.length === 0) {
    return kept.filter(
      ({ layout }) => layout.pipelineParallel <= fleet.servers && layout.redundantExperts === redundantExperts,
    );
  }
  const measured = usual.filter(({ layout }) => isMeasuredKind(layout));
  return measured.length > 0 && aim !== "context" ? measured : usual;
}

/** Tokens a second of one answer or of all, or the tokens of KV that one request can have. Larger is better. */
function figureOf(aim: Aim, judged: Judged, spec: ClusterSpec, fleet: Fleet): number {
  const { layout, memory, workload } = judged;
  if (aim === "context") return Math.floor(memory.kvTokens / layout.dataParallel);
  const concurrency = aim === "latency" ? 1 : workload.maxRunningRequests;
  const load = { concurrency, inputTokens: INPUT_TOKENS, outputTokens: OUTPUT_TOKENS, prefixHitRate: 0 };
  const found = estimate(engineShape(spec, fleet, judged, fabricOf(spec)), load);
  return aim === "latency" ? 1 / found.tpotSeconds : found.outputTokensPerSecond;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

function reason(aim: Aim, { layout, workload }: Judged, figure: number): string {
  if (aim === "context") return `optimizeFor context: the largest pool for one request, ${thousands(figure)} tokens`;
  const { low, high } = rangeOf(figure);
  const rate = `${rounded(low)} to ${rounded(high)} tokens/s`;
  return aim === "latency"
    ? `optimizeFor latency: a lone answer gets ${rate}, ${ranksOf(layout)}`
    : `optimizeFor throughput: ${rate} with ${thousands(workload.maxRunningRequests)} requests at once, ${ranksOf(layout)}`;
}

const rounded = (value: number) => thousands(Number(value.toPrecision(2)));

function ranksOf({ tensorParallel, pipelineParallel, dataParallel, expertParallel }: Layout): string {
  const parts = [dataParallel > 1 ? `${dataParallel} attention ranks` : `tp ${tensorParallel}`];
  if (pipelineParallel > 1) parts.push(`${pipelineParallel} pipeline stages`);
  if (expertParallel > 1) parts.push(`experts over ${expertParallel} ranks`);
  return parts.join(", ");
}
