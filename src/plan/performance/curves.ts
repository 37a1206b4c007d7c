import { fleetOf } from "../layouts/fleet.ts";
import { judgeLayout } from "../layouts/judge.ts";
import { isMeasuredKind } from "../layouts/measured.ts";
import { usualLayouts } from "../layouts/usual.ts";
import type { Layout, MemoryPlan, ServingPlan } from "../serving-plan.ts";
import { engineShape, fabricOf } from "./engine-shape.ts";
import { type Estimate, estimate } from "./estimate.ts";

/** What one layout gives at one number of users; figures of the model, to be shown as ranges. */
export interface CurvePoint extends Pick<Estimate, "ttftSeconds" | "outputTokensPerSecond"> {
  users: number;
  tokensPerSecondEach: number;
}

/** One layout from a lone user to as many as it takes. */
export interface LayoutCurve {
  layout: Layout;
  memory: MemoryPlan;
  isChosen: boolean;
  /** Published runs speak to its kind; of the others the model alone does. */
  isMeasured: boolean;
  points: CurvePoint[];
}

export interface Question {
  inputTokens: number;
  outputTokens: number;
}

const MOST_CURVES = 6;

/** The question that a plan is drawn for, where nobody says another: a chat turn with some context. */
export const USUAL_QUESTION: Question = { inputTokens: 2000, outputTokens: 500 };

/** Curves of the chosen layout, first, and of up to five others that people use and that run on a group of this plan. */
export function layoutCurves({ spec, layout, alternatives }: ServingPlan, question = USUAL_QUESTION): LayoutCurve[] {
  const fleet = fleetOf(spec);
  const others = usualLayouts(
    alternatives.map((one) => one.layout),
    fleet.servers,
    spec.engine.redundantExperts,
  );
  // Those that published runs speak to first: a chart of ten lines shows nothing.
  const shown = [...others.filter(isMeasuredKind), ...others.filter((one) => !isMeasuredKind(one))];
  const curves: LayoutCurve[] = [];
  for (const one of [layout, ...shown]) {
    if (curves.length === MOST_CURVES) break;
    const judged = judgeLayout(spec, fleet, one);
    const shape = engineShape(spec, fleet, judged, fabricOf(spec));
    const most = Math.floor(
      Math.min(
        judged.workload.maxRunningRequests,
        judged.memory.kvTokens / (question.inputTokens + question.outputTokens),
      ),
    );
    const points = userCounts(Math.max(1, most)).map((users): CurvePoint => {
      const found = estimate(shape, { ...question, concurrency: users, prefixHitRate: 0 });
      const { ttftSeconds, outputTokensPerSecond } = found;
      return { users, ttftSeconds, outputTokensPerSecond, tokensPerSecondEach: 1 / found.tpotSeconds };
    });
    const isChosen = one.name === layout.name;
    // tp16-ep16 is tp16 to the model: the same line twice would look like one.
    if (curves.some((other) => isSame(other.points, points))) continue;
    curves.push({ layout: one, memory: judged.memory, isChosen, isMeasured: isMeasuredKind(one), points });
  }
  return curves;
}

function isSame(a: readonly CurvePoint[], b: readonly CurvePoint[]): boolean {
  const near = (x = 0, y = 0) => Math.abs(x / y - 1) < 0.02;
  const alike = (one: CurvePoint, at: number) => near(one.outputTokensPerSecond, b[at]?.outputTokensPerSecond);
  return a.length === b.length && a.every(alike);
}

/** 1, 2, 4, … and the last, whatever it is. */
function userCounts(most: number): number[] {
  const counts: number[] = [];
  for (let users = 1; users < most; users *= 2) counts.push(users);
  return [...counts, most];
}
