import { parse } from "yaml";
import { planServing } from "../../src/plan/plan-serving.ts";
import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import type { Problem } from "../../src/spec/problem.ts";
import { type ClusterSpec, type ClusterSpecInput, ClusterSpecSchema } from "../../src/spec/schema.ts";
import { changed } from "../spec/specs.ts";

/** Two groups of two 8×H100 servers on InfiniBand, with values set by path (`engine.layout`). */
export function goodSpec(changes: Record<string, unknown> = {}): ClusterSpecInput {
  return parse(changed(changes)) as ClusterSpecInput;
}

export function specOf(changes: Record<string, unknown> = {}): ClusterSpec {
  return ClusterSpecSchema.parse(goodSpec(changes));
}

/** One group of the first `count` servers. */
export function servers(count: 1 | 2 | 4): Record<string, unknown> {
  const names = ["gpu-a", "gpu-b", "gpu-c", "gpu-d"];
  return {
    ...Object.fromEntries(names.slice(count).map((name) => [`servers.${name}`, undefined])),
    groups: { a: names.slice(0, count) },
    "failover.standby": "none",
    "gateway.on": ["cp-1"],
  };
}

export function planned(changes: Record<string, unknown> = {}): ServingPlan {
  const result = planServing(specOf(changes));
  if (!result.ok) throw new Error(result.problems.map(({ what, why }) => `${what}: ${why}`).join("\n"));
  return result.plan;
}

export function refused(changes: Record<string, unknown>): Problem[] {
  const result = planServing(specOf(changes));
  if (result.ok) throw new Error(`planned as ${result.plan.layout.name}`);
  return result.problems;
}

/** Values of a flag in a command line; undefined where it is not there. */
export function flagValue(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}
