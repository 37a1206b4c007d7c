import { fleetOf } from "../plan/layouts/fleet.ts";
import { judgeLayout } from "../plan/layouts/judge.ts";
import { planServing } from "../plan/plan-serving.ts";
import type { Layout } from "../plan/serving-plan.ts";
import { thousands } from "../plan/thousands.ts";
import type { ClusterSpec } from "../spec/schema.ts";
import { type Explanation, explanation } from "./explanation.ts";
import { sizes } from "./plan-text.ts";

/** One way of splitting the engine: what it does, what it costs, and who says so. */
interface Split {
  used: (layout: Layout) => boolean;
  means: (layout: Layout) => string;
  source: string;
}

const SPLITS: readonly Split[] = [
  {
    used: ({ tensorParallel }) => tensorParallel > 1,
    means: ({ tensorParallel: tp }) =>
      `Tensor parallel ${tp}: each of ${tp} GPUs holds 1/${tp} of every layer and works on every token; after each half of a layer all of them exchange their sums. Shortest time per token, and the first to suffer from a slow link between servers. The KV cache of DeepSeek (MLA) is not split by it: every rank keeps a copy.`,
    source: "SGLang 0.5.23, benchmark/deepseek_v3/README.md: the documented form for two 8×H100 servers",
  },
  {
    used: ({ pipelineParallel }) => pipelineParallel > 1,
    means: ({ pipelineParallel: pp }) =>
      `Pipeline of ${pp} stages: each stage holds a run of layers and hands its tokens on, so little crosses between servers and the KV cache is split by layers; but a single request waits for all stages in turn, and SGLang turns overlap scheduling and prefill graphs off.`,
    source: "SGLang 0.5.23, srt/arg_groups/overrides.py:1624, validation_hook.py:161",
  },
  {
    used: ({ dataParallel }) => dataParallel > 1,
    means: ({ dataParallel: dp, tensorParallel: tp }) =>
      `Attention over ${dp} data-parallel ranks of ${tp / dp} ${tp === dp ? "GPU" : "GPUs"}: each rank has requests and a KV cache of its own, so the group holds ${dp} times the tokens, at the price of ${dp} copies of the attention weights. One request must fit the pool of one rank.`,
    source: "SGLang 0.5.23, srt/arg_groups/parallel_hook.py:326; docs dp_dpa_smg_guide.mdx",
  },
  {
    used: ({ expertParallel }) => expertParallel > 1,
    means: ({ expertParallel: ep }) =>
      `Experts over ${ep} ranks: each rank holds whole experts and tokens travel to them. With attention over all ranks and RDMA they travel by DeepEP, for many requests at once the fastest; otherwise by all-gather.`,
    source: "SGLang 0.5.23, srt/arg_groups/overrides.py:1611; docs lws_pd_deploy.mdx",
  },
  {
    used: ({ redundantExperts }) => redundantExperts > 0,
    means: ({ redundantExperts }) =>
      `${redundantExperts} redundant experts: further copies of the experts that are asked most, moved by EPLB while serving. 32 of them take 4.8 GiB of every GPU of 16.`,
    source: "SGLang 0.5.23, srt/eplb/expert_location.py:256",
  },
];

/** `tandem explain dp16-ep16 [--spec SPEC]`: what a layout means, and whether it runs there and with which flags. */
export function explainLayout(layout: Layout, spec?: ClusterSpec): Explanation {
  const used = SPLITS.filter(({ used }) => used(layout));
  const here = spec === undefined ? undefined : layoutHere(layout, spec);
  const gpus = layout.tensorParallel * layout.pipelineParallel;
  const means = used.length > 0 ? used.map(({ means }) => means(layout)) : ["One GPU does everything."];
  return explanation(
    `LAYOUT ${layout.name}: ${sizes(layout)}`,
    {
      needs: `${gpus} GPUs in a group, one rank on each`,
      means,
      here: here?.says ?? `give --spec SPEC to see whether it runs there, with which memory and flags`,
      source: used.map(({ source }) => source),
    },
    {
      kind: "layout",
      layout,
      needsGpus: gpus,
      means,
      sources: used.map(({ source }) => source),
      here: here?.data ?? null,
    },
  );
}

function layoutHere(layout: Layout, spec: ClusterSpec): { says: string[]; data: object } {
  const { reasons, memory } = judgeLayout(spec, fleetOf(spec), layout);
  if (reasons.length > 0) return { says: ["It cannot run:", ...reasons], data: { runs: false, reasons } };
  const named = { ...spec, engine: { ...spec.engine, layout: layout.name, redundantExperts: layout.redundantExperts } };
  const planned = planServing(named);
  const args = planned.ok ? planned.plan.launch.leader.args : [];
  const chosen = planServing(spec);
  const chosenName = chosen.ok ? chosen.plan.layout.name : undefined;
  const verdict =
    chosenName === layout.name
      ? "It is what the plan chose."
      : `It can run; the plan chose ${chosenName ?? "nothing"}. Name it in engine.layout to have it.`;
  return {
    says: [
      verdict,
      `Weights ${memory.weightsGiBPerGpu.toFixed(1)} of ${memory.gpuGiB.toFixed(1)} GiB per GPU, KV cache of ${thousands(memory.kvTokens)} tokens, ${memory.headroomGiBPerGpu.toFixed(1)} GiB free.`,
      args.join(" "),
    ],
    data: { runs: true, chosen: chosenName === layout.name, memory, args },
  };
}
