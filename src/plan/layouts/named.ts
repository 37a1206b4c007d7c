import { didYouMean } from "../../spec/did-you-mean.ts";
import { type Problem, problem } from "../../spec/problem.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { Choice } from "./choose.ts";
import { candidateLayouts } from "./enumerate.ts";
import type { Fleet } from "./fleet.ts";
import { judgeIfItRuns, judgeLayout } from "./judge.ts";
import { layoutOf, parseLayoutName } from "./name.ts";
import { usualLayouts } from "./usual.ts";
import { suggest } from "./what-works.ts";

const MOST_NAMED = 8;

/** The layout that `engine.layout` names, or why it cannot run and what can. */
export function namedLayout(
  spec: ClusterSpec,
  fleet: Fleet,
): { ok: true; choice: Choice } | { ok: false; problems: Problem[] } {
  const name = spec.engine.layout;
  const parsed = parseLayoutName(name);
  if (parsed === undefined) return { ok: false, problems: [noLayout(name, running(spec, fleet))] };
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
  if (reasons.length === 0) return { ok: true, choice: { judged, why: "named by engine.layout" } };
  const names = running(spec, fleet);
  const refusal = problem("E_PLAN_LAYOUT", ["engine", "layout"], {
    what: `layout ${layout.name} cannot run on ${fleet.servers} × ${fleet.gpusPerServer} ${fleet.gpuKind}`,
    why: reasons.join("; "),
    fix: names.length > 0 ? `use auto, or one that runs here: ${names.join(", ")}` : suggest(spec, fleet),
  });
  return { ok: false, problems: [refusal] };
}

function noLayout(name: string, names: readonly string[]): Problem {
  const meant = didYouMean(name, ["auto", ...names]);
  return problem("E_PLAN_LAYOUT_NAME", ["engine", "layout"], {
    what: `${JSON.stringify(name)} is not a layout`,
    why: "a layout is named by its sizes: tp16, tp8-pp2, tp16-dp2, dp16-ep16",
    fix: meant === undefined ? `use ${["auto", ...names].join(", ")}` : `did you mean ${meant}?`,
  });
}

/** Names of what runs here: of the layouts that people use, or of all where none of these does. */
function running(spec: ClusterSpec, fleet: Fleet): string[] {
  const all = candidateLayouts(fleet, spec.engine.redundantExperts);
  const runs = (layout: (typeof all)[number]) => judgeIfItRuns(spec, fleet, layout) !== undefined;
  const usual = usualLayouts(all, fleet.servers, spec.engine.redundantExperts).filter(runs);
  return (usual.length > 0 ? usual : all.filter(runs)).slice(0, MOST_NAMED).map(({ name }) => name);
}
