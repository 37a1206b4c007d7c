import type { Problem } from "../spec/problem.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { architectureOf, gpuOf, modelOf } from "./catalogue.ts";
import { engineEnv } from "./env.ts";
import { groupPlans } from "./groups.ts";
import { launchArgs } from "./launch-args.ts";
import { layoutOf } from "./layout-name.ts";
import { memoryOf } from "./memory.ts";
import { portPlan, portProblems } from "./ports.ts";
import { probePlan } from "./probes.ts";
import type { ServingPlan } from "./serving-plan.ts";
import { workloadOf } from "./workload.ts";

export type PlanResult = { ok: true; plan: ServingPlan } | { ok: false; problems: Problem[] };

/** Works out everything that follows from a spec, or every reason why it cannot run. Pure: same spec, same plan. */
export function planServing(spec: ClusterSpec): PlanResult {
  const problems = portProblems(spec);
  if (problems.length > 0) return { ok: false, problems };
  const members = Object.values(spec.groups)[0] ?? [];
  const first = spec.servers[members[0] ?? ""];
  if (first === undefined) throw new Error("a checked spec has at least one group, and every member is a server");
  const model = modelOf(spec.model.preset);
  const layout = layoutOf({
    tensorParallel: members.length * first.gpus,
    pipelineParallel: 1,
    dataParallel: 1,
    expertParallel: 1,
    redundantExperts: 0,
  });
  const workload = workloadOf(spec, layout, members.length);
  const memory = memoryOf({
    gpu: gpuOf(first.gpu),
    architecture: architectureOf(model),
    model,
    layout,
    workload,
    kvCacheDtype: spec.engine.kvCacheDtype,
    memFractionStatic: spec.engine.memFractionStatic,
  });
  const servedName = spec.model.servedName ?? spec.model.preset;
  const args = launchArgs({ spec, model, layout, memory, workload, servers: members.length, servedName });
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
      serversPerGroup: members.length,
      gpusPerServer: first.gpus,
      groups: groupPlans(spec),
      layout,
      memory,
      rejected: [],
      budget: [],
      ports: portPlan(spec),
      probes: probePlan(model),
      env: engineEnv(spec, workload),
      launch: { leader: { args }, worker: { args } },
      warnings: [],
    },
  };
}
