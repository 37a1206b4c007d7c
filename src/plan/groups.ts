import type { ClusterSpec } from "../spec/schema.ts";
import type { GroupPlan } from "./serving-plan.ts";

/** Names and first roles of the groups, in the order of the spec: the first is active, all others stand by. */
export function groupPlans(spec: ClusterSpec): Record<string, GroupPlan> {
  return Object.fromEntries(
    Object.entries(spec.groups).map(([id, servers], index) => [
      id,
      {
        id,
        role: index === 0 ? ("active" as const) : ("standby" as const),
        servers: [...servers],
        // The namespace carries the name of the stack; LWS appends `-0-1` and a revision hash, 63 characters in all.
        workloadName: `sglang-${id}`,
        serviceName: `sglang-${id}-leader`,
      },
    ]),
  );
}
