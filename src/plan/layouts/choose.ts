import type { ClusterSpec } from "../../spec/schema.ts";
import type { Layout } from "../serving-plan.ts";
import { thousands } from "../thousands.ts";
import type { Fleet } from "./fleet.ts";
import type { Judged } from "./judge.ts";
import { usualLayouts } from "./usual.ts";

/** The chosen layout with the reason in one sentence. */
export interface Choice {
  judged: Judged;
  why: string;
}

type Aim = ClusterSpec["engine"]["optimizeFor"];

/** Larger is better, compared from the left. */
const PREFERENCES: Record<Aim, (judged: Judged) => number[]> = {
  // All GPUs work on every token: no attention DP, the widest tensor parallelism, experts split like the rest.
  latency: ({ layout }) => [-layout.dataParallel, layout.tensorParallel, -layout.expertParallel],
  // Every rank its own sequences, every expert on one rank: the shape of the published throughput records.
  throughput: ({ layout, memory }) => [
    -layout.pipelineParallel,
    layout.dataParallel,
    layout.expertParallel,
    memory.kvTokens,
  ],
  context: ({ layout, memory }) => [
    Math.floor(memory.kvTokens / layout.dataParallel),
    layout.tensorParallel,
    -layout.expertParallel,
  ],
};

/**
 * Picks among the layouts that can run: of those that people use if there is one, because a mixture that nobody has
 * measured should be somebody's decision. Never a pipeline of more stages than servers (each stage adds its bubble, and
 * no link gets slower within a server), nor redundant experts that were not asked for.
 */
export function chooseLayout(kept: readonly Judged[], spec: ClusterSpec, fleet: Fleet): Choice | undefined {
  const { optimizeFor: aim, redundantExperts } = spec.engine;
  const usual = usualLayouts(
    kept.map((judged) => ({ ...judged.layout, judged })),
    fleet.servers,
    redundantExperts,
  ).map(({ judged }) => judged);
  const wanted =
    usual.length > 0
      ? usual
      : kept.filter(
          ({ layout }) => layout.pipelineParallel <= fleet.servers && layout.redundantExperts === redundantExperts,
        );
  let best: Judged | undefined;
  for (const judged of wanted) {
    if (best === undefined || isBetter(PREFERENCES[aim](judged), PREFERENCES[aim](best))) best = judged;
  }
  return best && { judged: best, why: reason(aim, best, fleet) };
}

function isBetter(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0);
}

function reason(aim: Aim, { layout, memory }: Judged, fleet: Fleet): string {
  const pool = thousands(Math.floor(memory.kvTokens / layout.dataParallel));
  if (aim === "context") return `optimizeFor context: the largest pool for one request, ${pool} tokens`;
  if (aim === "throughput") {
    return `optimizeFor throughput: ${ranksOf(layout)}, ${thousands(memory.kvTokens)} tokens of KV in all`;
  }
  return layout.tensorParallel === fleet.servers * fleet.gpusPerServer && layout.dataParallel === 1
    ? `optimizeFor latency: all ${layout.tensorParallel} GPUs work on every token`
    : `optimizeFor latency: the widest tensor parallelism that runs here, ${ranksOf(layout)}`;
}

function ranksOf({ tensorParallel, pipelineParallel, dataParallel, expertParallel }: Layout): string {
  const parts = [dataParallel > 1 ? `${dataParallel} attention ranks` : `tp ${tensorParallel}`];
  if (pipelineParallel > 1) parts.push(`${pipelineParallel} pipeline stages`);
  if (expertParallel > 1) parts.push(`experts over ${expertParallel} ranks`);
  return parts.join(", ");
}
