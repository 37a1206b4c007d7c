import { PRICES } from "../cost/prices.ts";
import { SOURCES, USED_POINTS } from "../performance/points.ts";
import { COST_OUTPUTS } from "./cost.ts";
import { MEMORY_OUTPUTS } from "./memory.ts";
import type { ModelOutput, SourceKind } from "./model-output.ts";
import { SPEED_OUTPUTS } from "./speed.ts";

/** Every figure of `tandem plan`, `size` and `cost` that is reckoned, by the name of its topic. */
export const MODEL_OUTPUTS: Readonly<Record<string, ModelOutput>> = {
  ...SPEED_OUTPUTS,
  ...MEMORY_OUTPUTS,
  ...COST_OUTPUTS,
};

/** Who says it, where and when. */
export interface Source {
  what: string;
  date: string;
  url?: string;
}

/** What figures of a kind rest on. */
export function sourcesOf(kind: SourceKind): Source[] {
  switch (kind) {
    case "published runs":
      return [...new Set(USED_POINTS.map(({ source }) => source))].flatMap((source) => SOURCES[source] ?? []);
    case "SGLang's memory":
      return MEMORY_SOURCES;
    case "prices": {
      const { servers, operation, rents, tokens } = PRICES;
      const listed = [servers, rents, tokens].flatMap((part) => Object.entries<{ date: string; source: string }>(part));
      return [
        ...listed.map(([name, { date, source }]) => ({ what: `${name}: ${source}`, date })),
        { what: `operation: ${operation.source}`, date: operation.date },
      ];
    }
    case "faults": {
      const { faultSource, minutes } = PRICES.outages;
      return [
        { what: faultSource, date: "2024-07", url: "https://arxiv.org/abs/2407.21783" },
        ...Object.entries(minutes).map(([standby, { source }]) => ({ what: `${standby}: ${source}`, date: "2026-11" })),
      ];
    }
  }
}

/** Dates of the code are those of the pinned release as it was read. */
const MEMORY_SOURCES: Source[] = [
  { what: "SGLang 0.5.23, srt/arg_groups/memory_hook.py:300-390, its own reserves", date: "2026-11" },
  {
    what: "8×H200 after the load of V3: 82.3 GiB in use",
    date: "2025-02",
    url: "https://github.com/sgl-project/sglang/issues/3416",
  },
  { what: "2×8 H20, deploy_on_k8s.mdx of SGLang's documentation: 712,400 tokens, here 724,164", date: "2026-11" },
  { what: "activations: NVIDIA aiconfigurator 0.10.0, coefficients of DeepSeek on SGLang", date: "2026-11" },
];
