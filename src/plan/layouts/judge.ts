import type { ClusterSpec } from "../../spec/schema.ts";
import { memoryOf } from "../memory.ts";
import type { Layout, MemoryPlan } from "../serving-plan.ts";
import { type Workload, workloadOf } from "../workload.ts";
import type { Fleet } from "./fleet.ts";
import { type Candidate, LAYOUT_RULES } from "./rules.ts";

/** A layout with all its reasons against it; none means that it can run. */
export interface Judged {
  layout: Layout;
  workload: Workload;
  memory: MemoryPlan;
  reasons: string[];
}

/** Applies every rule; a reason reads `sentence with numbers; what would work [rule_id]`. */
export function judgeLayout(spec: ClusterSpec, fleet: Fleet, layout: Layout): Judged {
  const candidate = new LazyCandidate(spec, fleet, layout);
  const reasons: string[] = [];
  for (const rule of LAYOUT_RULES) {
    const sentence = rule.violated(candidate);
    if (sentence !== undefined) reasons.push(`${sentence} [${rule.id}]`);
  }
  return { layout, workload: candidate.workload, memory: candidate.memory, reasons };
}

/** The layout judged if it can run, else undefined at the first reason: for searches over many specs. */
export function judgeIfItRuns(spec: ClusterSpec, fleet: Fleet, layout: Layout): Judged | undefined {
  const candidate = new LazyCandidate(spec, fleet, layout);
  if (LAYOUT_RULES.some((rule) => rule.violated(candidate) !== undefined)) return undefined;
  return { layout, workload: candidate.workload, memory: candidate.memory, reasons: [] };
}

/** Works the memory out when the first rule asks: most layouts of a search fall to a rule about numbers of ranks. */
class LazyCandidate implements Candidate {
  readonly spec: ClusterSpec;
  readonly fleet: Fleet;
  readonly layout: Layout;
  readonly workload: Workload;
  #memory: MemoryPlan | undefined;

  constructor(spec: ClusterSpec, fleet: Fleet, layout: Layout) {
    this.spec = spec;
    this.fleet = fleet;
    this.layout = layout;
    this.workload = workloadOf(spec, layout, fleet);
  }

  get memory(): MemoryPlan {
    const { gpu, architecture, model } = this.fleet;
    const { kvCacheDtype, memFractionStatic } = this.spec.engine;
    const { layout, workload } = this;
    this.#memory ??= memoryOf({ gpu, architecture, model, layout, workload, kvCacheDtype, memFractionStatic });
    return this.#memory;
  }
}
