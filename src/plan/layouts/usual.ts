import type { Layout } from "../serving-plan.ts";

/**
 * The layouts that people know and ask for, in the given order: at most one pipeline stage per server, attention DP
 * over two or all ranks, experts split over all ranks or none, and no more redundant experts than asked for. The rest
 * are mixtures that few have run; they stay in the plan, but not in a list that a person reads.
 */
export function usualLayouts<T extends Layout>(layouts: readonly T[], servers: number, redundantExperts: number): T[] {
  return layouts.filter(
    ({ tensorParallel: tp, pipelineParallel: pp, dataParallel: dp, expertParallel: ep, redundantExperts: redundant }) =>
      pp <= servers &&
      (dp === 1 || dp === 2 || dp === tp) &&
      (ep === 1 || ep === tp) &&
      (dp !== tp || dp === 1 || ep === tp) &&
      redundant === (ep > 1 ? redundantExperts : 0),
  );
}
