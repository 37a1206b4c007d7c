import { FITTED } from "../../src/plan/performance/constants.ts";
import { estimate } from "../../src/plan/performance/estimate.ts";
import { shapeOfPoint } from "../../src/plan/performance/points.ts";
import other from "./performance-aiconfigurator.json" with { type: "json" };

/** Estimates of NVIDIA aiconfigurator beside ours, for 2×8 H100. Neither is a measurement; the fit never sees them. */
export function besideAiconfigurator() {
  return other.estimates.map(({ tpotMs, outputTokensPerSecond, ...row }) => {
    const deepep = row.layout.startsWith("dp");
    const run = { source: "", gpu: "H100-80", servers: 2, model: "deepseek-v3", fabric: "infiniband" } as const;
    const ours = estimate(shapeOfPoint({ ...row, ...run, deepep }, FITTED), { ...row, prefixHitRate: 0 });
    return {
      ...row,
      theirs: { tpotMs, outputTokensPerSecond },
      ours: { tpotMs: ours.tpotSeconds * 1000, outputTokensPerSecond: ours.outputTokensPerSecond },
    };
  });
}
