import type { Problem } from "../spec/problem.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { engineEnv } from "./env.ts";
import { failoverBudget, targetProblems } from "./failover-budget.ts";
import { readExtraArgs } from "./flags/extra-args.ts";
import { flagRuleProblems } from "./flags/rules.ts";
import { groupPlans } from "./groups.ts";
import { launchArgs } from "./launch-args.ts";
import { decideLayout } from "./layouts/decide.ts";
import { fleetOf } from "./layouts/fleet.ts";
import { portPlan, portProblems } from "./ports.ts";
import { probePlan } from "./probes.ts";
import type { ServingPlan } from "./serving-plan.ts";
import { specProblems } from "./spec-problems.ts";
import { planWarnings } from "./warnings.ts";

export type PlanResult = { ok: true; plan: ServingPlan } | { ok: false; problems: Problem[] };

/**
 * Works out everything that follows from a checked spec, or every reason why it cannot run. Pure: same spec, same plan.
 * Problems carry the path of the field, so that the caller can show the line.
 */
export function planServing(spec: ClusterSpec): PlanResult {
  const extra = readExtraArgs(spec.engine.extraArgs);
  const problems = [...portProblems(spec), ...specProblems(spec), ...targetProblems(spec), ...extra.problems];
  // Layouts are judged on equal servers; on unequal ones their reasons would only hide the cause.
  if (problems.some(({ path }) => path[0] === "groups")) return { ok: false, problems };
  const fleet = fleetOf(spec);
  const decided = decideLayout(spec, fleet);
  if (!decided.ok) return { ok: false, problems: [...problems, ...decided.problems] };
  const { judged, why, alternatives, rejected } = decided.decision;
  const { layout, workload, memory } = judged;
  problems.push(...flagRuleProblems({ spec, layout, workload, flags: extra.flags }));
  if (problems.length > 0) return { ok: false, problems };

  const servedName = spec.model.servedName ?? spec.model.preset;
  const args = launchArgs({
    spec,
    model: fleet.model,
    gpu: fleet.gpu,
    layout,
    memory,
    workload,
    servers: fleet.servers,
    servedName,
  });
  return {
    ok: true,
    plan: {
      name: spec.name,
      namespace: `tandem-${spec.name}`,
      spec,
      model: {
        preset: spec.model.preset,
        servedName,
        weightsPath: spec.model.weights,
        contextLength: spec.model.contextLength,
      },
      image: spec.engine.image,
      serversPerGroup: fleet.servers,
      gpusPerServer: fleet.gpusPerServer,
      groups: groupPlans(spec),
      layout,
      why,
      memory,
      alternatives: alternatives.map(({ layout, memory }) => ({ layout, kvTokens: memory.kvTokens })),
      rejected,
      budget: failoverBudget(spec),
      ports: portPlan(spec),
      probes: probePlan(fleet.model),
      env: engineEnv(spec, workload),
      launch: { leader: { args }, worker: { args: [...args] } },
      warnings: planWarnings(spec, fleet, judged),
    },
  };
}
