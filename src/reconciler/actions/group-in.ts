import type { Workload } from "../observe/workload.ts";
import type { Decided } from "./hands.ts";

/** A group as it was read, and the name of its LeaderWorkerSet. */
export function groupIn({ knowledge, observation }: Decided, id: string): { workload: Workload; workloadName: string } {
  const workload = observation.workloads.get(id);
  const spec = knowledge.cluster.service.spec.groups.find((group) => group.id === id);
  if (workload === undefined || spec === undefined) throw new Error(`there is no group ${id}`);
  return { workload, workloadName: spec.workload };
}
