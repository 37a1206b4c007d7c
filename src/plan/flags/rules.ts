import { type Problem, problem } from "../../spec/problem.ts";
import type { ClusterSpec } from "../../spec/schema.ts";
import type { Layout } from "../serving-plan.ts";
import type { Workload } from "../workload.ts";

export interface FlagContext {
  spec: ClusterSpec;
  layout: Layout;
  workload: Workload;
  /** From `engine.extraArgs`: canonical flag to its values. */
  flags: ReadonlyMap<string, readonly string[]>;
}

/** A relation between extra flags and the layout that SGLang refuses, or does not check and breaks on. */
export interface FlagRule {
  id: string;
  flag: string;
  means: string;
  violated: (context: FlagContext, value: string | undefined) => { why: string; fix: string } | undefined;
}

export const FLAG_RULES: readonly FlagRule[] = [
  {
    id: "lora_paths",
    flag: "--lora-paths",
    means: "An adapter that is written as JSON names itself and its path.",
    violated: ({ flags }) => {
      const wrong = flags.get("--lora-paths")?.find((value) => /^\s*\{.*\}\s*$/s.test(value) && !namesAdapter(value));
      return wrong === undefined
        ? undefined
        : {
            why: `SGLang reads ${wrong} as JSON and wants lora_name and lora_path in it`,
            fix: "write a path, NAME=PATH, or JSON with both",
          };
    },
  },
  {
    id: "chunk_page",
    flag: "--page-size",
    means: "The chunk of a rank is a whole number of KV pages.",
    violated: ({ workload }, value) =>
      workload.chunkPerRankTokens % Number(value) === 0
        ? undefined
        : {
            why: `the chunk of ${workload.chunkPerRankTokens} tokens per rank is not a multiple of ${value}`,
            fix: "use a power of two up to 64",
          },
  },
  {
    id: "priority_policy",
    flag: "--enable-priority-scheduling",
    means: "Priorities are kept by the policies fcfs and lof alone.",
    violated: ({ flags }) => {
      const policy = flags.get("--schedule-policy")?.[0] ?? "fcfs";
      return policy === "fcfs" || policy === "lof"
        ? undefined
        : {
            why: `it works with --schedule-policy fcfs or lof, not ${policy}`,
            fix: "change the policy or take the flag out",
          };
    },
  },
  {
    id: "retraction_priority",
    flag: "--retraction-policy",
    means: "Requests can be retracted by priority only where priorities are on.",
    violated: ({ flags }, value) =>
      value === "priority" && !flags.has("--enable-priority-scheduling")
        ? { why: "priority needs --enable-priority-scheduling", fix: "add --enable-priority-scheduling" }
        : undefined,
  },
  {
    id: "tbo",
    flag: "--enable-two-batch-overlap",
    means:
      "Two-batch overlap hides the exchange of tokens, so there must be one: attention DP or an all-to-all backend.",
    violated: ({ workload, layout }) =>
      workload.a2aBackend === "none" && layout.dataParallel === 1
        ? {
            why: `${layout.name} has neither attention DP nor all-to-all to overlap`,
            fix: "use layout dp16-ep16, or take the flag out",
          }
        : undefined,
  },
  {
    id: "ep_dispatch_none_static",
    flag: "--ep-dispatch-algorithm",
    means: "Static dispatch of experts needs an all-to-all backend.",
    violated: ({ workload }, value) =>
      workload.a2aBackend === "none" && (value === "static" || value === "lp")
        ? { why: `${value} needs an all-to-all backend`, fix: "use dynamic, or layout dp16-ep16 with RDMA" }
        : undefined,
  },
  {
    id: "spec_weight_cache",
    flag: "--weight-cache-mode",
    means: "The weight cache does not hold the layer that drafts tokens.",
    violated: ({ spec }, value) =>
      spec.engine.speculative && value !== "off"
        ? {
            why: "the weight cache does not hold the MTP layer",
            fix: "set engine.speculative false or take the flag out",
          }
        : undefined,
  },
  {
    id: "tp_lm_head_a2a",
    flag: "--enable-tp-lm-head-all-to-all",
    means:
      "The head can be exchanged by all-to-all only with attention DP over all ranks and no head of each rank alone.",
    violated: ({ workload, layout }) =>
      layout.dataParallel === layout.tensorParallel && workload.a2aBackend === "none"
        ? undefined
        : { why: "it needs attention DP over all ranks and no --enable-dp-lm-head", fix: "take it out" },
  },
  {
    id: "gated_launch_port",
    flag: "--gated-launch-port",
    means: "The gate listens beside the engine, so it needs a port of its own.",
    violated: ({ spec }, value) => {
      const port = Number(value);
      const { http, dist } = spec.network.ports;
      return port === http || (port >= dist && port <= dist + 13)
        ? {
            why: `${port} is one of the engine's own ports (${http}, ${dist}-${dist + 13})`,
            fix: "use another port from 1024 to 21999",
          }
        : undefined;
    },
  },
];

/** Every broken relation, at the place of the flag in `engine.extraArgs`. */
export function flagRuleProblems(context: FlagContext): Problem[] {
  return FLAG_RULES.flatMap(({ id, flag, violated }) => {
    const values = context.flags.get(flag);
    const broken = values === undefined ? undefined : violated(context, values[0]);
    if (broken === undefined) return [];
    const index = context.spec.engine.extraArgs.findIndex((word) => word.split("=")[0] === flag);
    const what = `${flag} does not go with the rest of this spec [${id}]`;
    return [problem("E_PLAN_FLAG_RULE", ["engine", "extraArgs", Math.max(0, index)], { what, ...broken })];
  });
}

function namesAdapter(json: string): boolean {
  try {
    const adapter = JSON.parse(json) as object;
    return "lora_name" in adapter && "lora_path" in adapter;
  } catch {
    return false;
  }
}
