import { didYouMean } from "../../spec/did-you-mean.ts";
import { type Problem, problem } from "../../spec/problem.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { RejectedLayout } from "../serving-plan.ts";
import { type Choice, chooseLayout } from "./choose.ts";
import { enumerateLayouts } from "./enumerate.ts";
import type { Fleet } from "./fleet.ts";
import { type Judged, judgeLayout } from "./judge.ts";
import { layoutOf, parseLayoutName } from "./name.ts";
import { usualLayouts } from "./usual.ts";
import { whatWorks } from "./what-works.ts";

export interface Decision extends Choice {
  /** Layouts that can run as well, in the order of enumeration. */
  alternatives: Judged[];
  /** Nearest to running first. */
  rejected: RejectedLayout[];
}

export type DecisionResult = { ok: true; decision: Decision } | { ok: false; problems: Problem[] };

/** Enumerates, judges and chooses; an explicit `engine.layout` is honoured or refused with all its reasons. */
export function decideLayout(spec: ClusterSpec, fleet: Fleet): DecisionResult {
  const judged = enumerateLayouts(fleet, spec.engine.redundantExperts).map((layout) =>
    judgeLayout(spec, fleet, layout),
  );
  const kept = judged.filter(({ reasons }) => reasons.length === 0);
  const choice = spec.engine.layout === "auto" ? chooseLayout(kept, spec, fleet) : named(spec, fleet, kept);
  if (choice === undefined) return { ok: false, problems: [nothingFits(spec, fleet, judged)] };
  if (Array.isArray(choice)) return { ok: false, problems: choice };
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

function named(spec: ClusterSpec, fleet: Fleet, kept: readonly Judged[]): Choice | Problem[] {
  const name = spec.engine.layout;
  const parsed = parseLayoutName(name);
  const layouts = kept.map(({ layout }) => layout);
  const usual = usualLayouts(layouts, fleet.servers, spec.engine.redundantExperts);
  const names = (usual.length > 0 ? usual : layouts).slice(0, 8).map((layout) => layout.name);
  if (parsed === undefined) {
    const meant = didYouMean(name, ["auto", ...layouts.map((layout) => layout.name)]);
    return [
      problem("E_PLAN_LAYOUT_NAME", ["engine", "layout"], {
        what: `${JSON.stringify(name)} is not a layout`,
        why: "a layout is named by its sizes: tp16, tp8-pp2, tp16-dp2, dp16-ep16",
        fix: meant === undefined ? `use auto or one of ${names.join(", ")}` : `did you mean ${meant}?`,
      }),
    ];
  }
  // `redundantExperts` may be said in its own field; a name with `-r` says it too, and they must agree.
  const asked = spec.engine.redundantExperts;
  const layout =
    parsed.redundantExperts === 0 && parsed.expertParallel > 1
      ? layoutOf({ ...parsed, redundantExperts: asked })
      : parsed;
  const judged = judgeLayout(spec, fleet, layout);
  const reasons = [...judged.reasons];
  if (asked > 0 && parsed.redundantExperts > 0 && asked !== parsed.redundantExperts) {
    reasons.push(
      `the name says ${parsed.redundantExperts} redundant experts, engine.redundantExperts ${asked}; use one number`,
    );
  }
  if (reasons.length === 0) return { judged, why: "named by engine.layout" };
  return [
    problem("E_PLAN_LAYOUT", ["engine", "layout"], {
      what: `layout ${layout.name} cannot run on ${fleet.servers} × ${fleet.gpusPerServer} ${fleet.gpuKind}`,
      why: reasons.join("; "),
      fix: names.length > 0 ? `use auto, or one that runs here: ${names.join(", ")}` : suggest(spec, fleet),
    }),
  ];
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

function suggest(spec: ClusterSpec, fleet: Fleet): string {
  const works = whatWorks(spec, fleet);
  return works.length === 0
    ? "no single change helps; use two servers of 8 GPUs per group"
    : `use ${works.join("; or ")}`;
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
