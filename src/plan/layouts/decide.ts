import { type Problem, problem } from "../../spec/problem.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { RejectedLayout } from "../serving-plan.ts";
import { type Choice, chooseLayout } from "./choose.ts";
import { candidateLayouts } from "./enumerate.ts";
import type { Fleet } from "./fleet.ts";
import { type Judged, judgeLayout } from "./judge.ts";
import { namedLayout } from "./named.ts";
import { suggest } from "./what-works.ts";

export interface Decision extends Choice {
  /** Layouts that can run as well, in the order of enumeration. */
  alternatives: Judged[];
  /** Nearest to running first. */
  rejected: RejectedLayout[];
}

export type DecisionResult = { ok: true; decision: Decision } | { ok: false; problems: Problem[] };

/** Enumerates, judges and chooses; an explicit `engine.layout` is honoured or refused with all its reasons. */
export function decideLayout(spec: ClusterSpec, fleet: Fleet): DecisionResult {
  // A refusal does not need what the others would do.
  const named = spec.engine.layout === "auto" ? undefined : namedLayout(spec, fleet);
  if (named?.ok === false) return named;
  const judged = candidateLayouts(fleet, spec.engine.redundantExperts).map((layout) =>
    judgeLayout(spec, fleet, layout),
  );
  const kept = judged.filter(({ reasons }) => reasons.length === 0);
  const choice = named?.choice ?? chooseLayout(kept, spec, fleet);
  if (choice === undefined) return { ok: false, problems: [nothingFits(spec, fleet, judged)] };
  const chosen = choice.judged.layout.name;
  return {
    ok: true,
    decision: {
      ...choice,
      alternatives: kept.filter(({ layout }) => layout.name !== chosen),
      rejected: byDistance(judged),
    },
  };
}

function nothingFits(spec: ClusterSpec, fleet: Fleet, judged: readonly Judged[]): Problem {
  const nearest = byDistance(judged)[0];
  const { servers, gpusPerServer, gpuKind } = fleet;
  return problem("E_PLAN_NO_LAYOUT", ["groups"], {
    what: `no layout of ${spec.model.preset} runs on a group of ${servers} × ${gpusPerServer} ${gpuKind}`,
    why:
      nearest === undefined
        ? "a layout that runs needs engine.redundantExperts and engine.optimizeFor that go together"
        : `${judged.length} layouts were tried; nearest is ${nearest.layout.name}: ${nearest.reasons.join("; ")}`,
    fix: suggest(spec, fleet),
  });
}

/** Fewest reasons first; among equals the shape that people know: fewer stages, then fewer ways of splitting. */
function byDistance(judged: readonly Judged[]): RejectedLayout[] {
  return judged
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ layout, reasons }) => ({ layout, reasons }))
    .sort(
      (a, b) =>
        a.reasons.length - b.reasons.length ||
        a.layout.pipelineParallel - b.layout.pipelineParallel ||
        a.layout.redundantExperts - b.layout.redundantExperts ||
        partial(a) - partial(b) ||
        a.layout.dataParallel - b.layout.dataParallel ||
        a.layout.expertParallel - b.layout.expertParallel,
    );
}

// Sizes strictly between 1 and tp are mixtures that few have run.
function partial({ layout: { tensorParallel: tp, dataParallel: dp, expertParallel: ep } }: RejectedLayout): number {
  return Number(dp > 1 && dp < tp) + Number(ep > 1 && ep < tp);
}
