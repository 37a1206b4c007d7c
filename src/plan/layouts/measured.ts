import type { Layout } from "../serving-plan.ts";

/**
 * Layouts of the kinds that published runs speak to: tensor parallelism alone, and attention and experts each spread
 * over all ranks. A pipeline or a half-way mixture may be faster on paper; nobody has shown it for this model.
 */
export function isMeasuredKind({
  tensorParallel: tp,
  pipelineParallel: pp,
  dataParallel: dp,
  expertParallel: ep,
}: Layout): boolean {
  return pp === 1 && ((dp === 1 && ep === 1) || (dp === tp && ep === tp));
}
