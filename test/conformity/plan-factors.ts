import type { ServingPlan } from "../../src/plan/serving-plan.ts";
import type { Factors } from "./pairwise.ts";

/** What of a plan changes the form of the command line: the factors that are paired. */
export function planFactors({ spec, layout, serversPerGroup, gpusPerServer, groups }: ServingPlan): Factors {
  const { engine, model, network } = spec;
  const servers = Object.values(spec.servers);
  return {
    gpus: `${serversPerGroup}x${gpusPerServer}`,
    gpu: String(servers[0]?.gpu),
    groups: String(Object.keys(groups).length),
    preset: model.preset,
    served: model.servedName === undefined ? "preset" : "own",
    attention: layout.dataParallel === 1 ? "tp" : layout.dataParallel === layout.tensorParallel ? "dp" : "both",
    experts:
      layout.expertParallel === 1 ? "split" : layout.expertParallel === layout.tensorParallel ? "whole" : "hybrid",
    stages: layout.pipelineParallel > 1 ? "pipeline" : "one",
    redundant: String(layout.redundantExperts),
    kv: engine.kvCacheDtype,
    drafts: engine.speculative ? "eagle" : "none",
    fraction: engine.memFractionStatic === undefined ? "planned" : "given",
    requests: engine.maxRunningRequests === undefined ? "planned" : "given",
    fabric: network.rdma.kind,
    extra: engine.extraArgs[0] ?? "none",
  };
}
