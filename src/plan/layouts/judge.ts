import type { ClusterSpec } from "../../spec/schema.ts";
import { memoryOf } from "../memory.ts";
import type { Layout, MemoryPlan } from "../serving-plan.ts";
import { type Workload, workloadOf } from "../workload.ts";
import type { Fleet } from "./fleet.ts";
import { LAYOUT_RULES } from "./rules.ts";

/** A layout with all its reasons against it; none means that it can run. */
export interface Judged {
  layout: Layout;
  workload: Workload;
  memory: MemoryPlan;
  reasons: string[];
}

/** Applies every rule; a reason reads `sentence with numbers; what would work [rule_id]`. */
export function judgeLayout(spec: ClusterSpec, fleet: Fleet, layout: Layout): Judged {
  const workload = workloadOf(spec, layout, fleet);
  const memory = memoryOf({
    gpu: fleet.gpu,
    architecture: fleet.architecture,
    model: fleet.model,
    layout,
    workload,
    kvCacheDtype: spec.engine.kvCacheDtype,
    memFractionStatic: spec.engine.memFractionStatic,
  });
  const candidate = { spec, fleet, layout, workload, memory };
  const reasons: string[] = [];
  for (const rule of LAYOUT_RULES) {
    const sentence = rule.violated(candidate);
    if (sentence !== undefined) reasons.push(`${sentence} [${rule.id}]`);
  }
  return { layout, workload, memory, reasons };
}
