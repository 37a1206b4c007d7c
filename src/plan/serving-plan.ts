import type { ClusterSpec } from "../spec/schema.ts";

/** How one SGLang instance spreads over the GPUs of its group. `name` is canonical: `tp16`, `tp8-pp2`, `tp16-dp2`, `dp16-ep16`, … */
export interface Layout {
  name: string;
  tensorParallel: number;
  pipelineParallel: number;
  /** Attention data parallelism (`--attn-dp-size`); 1 is none. */
  dataParallel: number;
  expertParallel: number;
  redundantExperts: number;
}

/** Memory of one GPU, in GiB unless the name says otherwise; `kvTokens` is the capacity of the whole group. */
export interface MemoryPlan {
  gpuGiB: number;
  weightsGiBPerGpu: number;
  kvGiBPerGpu: number;
  /** Graphs, activations, NCCL/NVSHMEM and CUDA context: what `1 - memFractionStatic` must hold. */
  workspaceGiBPerGpu: number;
  headroomGiBPerGpu: number;
  kvBytesPerToken: number;
  kvTokens: number;
  memFractionStatic: number;
  /** The longest single request: it must fit the pool of one attention-DP rank. */
  maxContextTokens: number;
}

export interface RejectedLayout {
  layout: Layout;
  reasons: string[];
}

/** A layout that could run as well: what a person may name in `engine.layout` instead. */
export interface AlternativeLayout {
  layout: Layout;
  kvTokens: number;
}

/** Per failure class: the seconds that this spec's chain of time-outs implies. */
export interface BudgetRow {
  class: string;
  seconds: number;
  /** `from`: the setting of the spec that changes it; null where none does. */
  chain: { step: string; seconds: number; from: string | null }[];
}

export interface GroupPlan {
  id: string;
  role: "active" | "standby";
  /** Server names, as in the spec. Rank 0 is wherever LWS puts the leader. */
  servers: string[];
  /** LeaderWorkerSet and Service names. */
  workloadName: string;
  serviceName: string;
}

export interface PortPlan {
  http: number;
  /** `--dist-init-addr` port P; P+1..P+13 are kept free for attention DP (facts: SGLang PortArgs.init_new). */
  dist: number;
  /** Every TCP port of a rank-0 host that must be free, sorted. */
  reserved: number[];
}

export interface ProbePlan {
  startup: { periodSeconds: number; failureThreshold: number; timeoutSeconds: number };
  leaderReadiness: { periodSeconds: number; failureThreshold: number; timeoutSeconds: number };
  leaderTerminationGraceSeconds: number;
  workerTerminationGraceSeconds: number;
  unreachableTolerationSeconds: number;
}

export interface Launch {
  /** From `python3` on; `$(LWS_WORKER_INDEX)` and `$(LWS_LEADER_ADDRESS)` are expanded by Kubernetes. */
  args: string[];
}

/** Everything that follows from a spec, before any Kubernetes object exists. Same spec, same plan, on any machine. */
export interface ServingPlan {
  name: string;
  namespace: string;
  spec: ClusterSpec;
  model: { preset: string; servedName: string; weightsPath: string; contextLength: number };
  image: string;
  serversPerGroup: number;
  gpusPerServer: number;
  groups: Record<string, GroupPlan>;
  layout: Layout;
  /** Why this layout, in one sentence. */
  why: string;
  memory: MemoryPlan;
  alternatives: AlternativeLayout[];
  /** With all reasons; nearest to running first. */
  rejected: RejectedLayout[];
  budget: BudgetRow[];
  ports: PortPlan;
  probes: ProbePlan;
  /** The same on every rank, sorted by name. */
  env: Record<string, string>;
  launch: { leader: Launch; worker: Launch };
  warnings: string[];
}
