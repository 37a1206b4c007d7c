import { type Architecture, architectureOf, type Model, type ModelPreset, modelOf } from "../catalogue.ts";
import published from "../data/published.json" with { type: "json" };
import { parseLayoutName } from "../layouts/name.ts";
import { type Constants, SPEEDS, type SpeedKind } from "./constants.ts";
import { RDMA_GB_PER_SECOND } from "./engine-shape.ts";
import { type Estimate, estimate, prefillTokensPerSecond } from "./estimate.ts";
import type { EngineShape, Fabric } from "./shape.ts";

export type Metric = "tpotMs" | "ttftMs" | "outputTokensPerSecond" | "requestsPerSecond" | "prefillTokensPerSecond";

/** One published run: everything it states, and one figure of it. */
export interface Point {
  source: string;
  gpu: SpeedKind;
  servers: number;
  layout: string;
  model: string;
  fabric: Fabric["kind"];
  deepep?: boolean;
  overlap?: boolean;
  chunkPerRankTokens?: number;
  draftTokens?: number;
  concurrency: number;
  inputTokens: number;
  outputTokens: number;
  metric: Metric;
  measured: number;
  /** Why a point is shown but not used for calibration; absent on those that are. */
  setAside?: string;
}

/** Every published run that was found, used or set aside, in the order of the file. */
export const POINTS = published.points as readonly Point[];

export const USED_POINTS: readonly Point[] = POINTS.filter(({ setAside }) => setAside === undefined);

/** Address and date of each source. */
export const SOURCES: Readonly<Record<string, { what: string; url: string; date: string }>> = published.sources;

/** The rule by which points were chosen, set down before the first fit. */
export const POINT_RULE: string = published.rule;

const MILLISECONDS = 1000;
/**
 * KV of the published set-ups whose load comes near it, by this planner's own memory model at SGLang's fraction of 0.85.
 */
const KV_TOKENS: Readonly<Record<string, number>> = { "H200-141 tp8": 592_000 };

/** The model's figure for a published run. */
export function predict(point: Point, constants: Constants): number {
  const shape = shapeOfPoint(point, constants);
  if (point.metric === "prefillTokensPerSecond") return prefillTokensPerSecond(shape, point.inputTokens);
  return figure(estimate(shape, { ...point, prefixHitRate: 0 }), point.metric);
}

function figure(found: Estimate, metric: Exclude<Metric, "prefillTokensPerSecond">): number {
  switch (metric) {
    case "tpotMs":
      return found.tpotSeconds * MILLISECONDS;
    case "ttftMs":
      return found.ttftSeconds * MILLISECONDS;
    case "outputTokensPerSecond":
      return found.outputTokensPerSecond;
    case "requestsPerSecond":
      return found.requestsPerSecond;
  }
}

/** The engine of a published run. */
export function shapeOfPoint(point: Omit<Point, "metric" | "measured">, constants: Constants): EngineShape {
  const layout = parseLayoutName(point.layout);
  if (layout === undefined) throw new Error(`published.json names no layout: ${point.layout}`);
  const model: Model = modelOf(point.model as ModelPreset);
  const architecture: Architecture = architectureOf(model);
  return {
    speeds: SPEEDS[point.gpu],
    constants,
    architecture,
    model,
    layout,
    gpusPerServer: 8,
    fabric: { kind: point.fabric, gbPerSecond: RDMA_GB_PER_SECOND },
    kvCacheDtype: "bfloat16",
    draftTokens: point.draftTokens ?? 1,
    deepep: point.deepep ?? false,
    overlap: point.overlap ?? false,
    chunkPerRankTokens: point.chunkPerRankTokens ?? 8192,
    kvTokens: KV_TOKENS[`${point.gpu} ${point.layout}`] ?? Number.POSITIVE_INFINITY,
  };
}
