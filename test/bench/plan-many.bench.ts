import { performance } from "node:perf_hooks";
import fc from "fast-check";
import { planServing } from "../../src/plan/plan-serving.ts";
import { anySpec } from "../plan/any-spec.ts";
import type { Bench } from "./bench.ts";

const SPECS = 10_000;

/** Planning alone, refusals included: what a search over specs (`tandem size`) would pay. */
export const bench: Bench = async () => {
  const specs = fc.sample(anySpec, { numRuns: SPECS, seed: 1 });
  const start = performance.now();
  const planned = specs.filter((spec) => planServing(spec).ok).length;
  const seconds = (performance.now() - start) / 1000;
  return [
    {
      what: "random specs planned",
      measured: seconds,
      limit: 20,
      unit: "s",
      how: `${SPECS} specs, ${planned} of them can run`,
    },
  ];
};
