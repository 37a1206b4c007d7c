import type { Choice } from "../../failover/choose.ts";
import type { Group } from "../groups/group.ts";

/** The group that would take over now and has nothing else to do; null while there is none. */
export function idleStandby(
  { choice, current }: { choice: Choice | null; current: string },
  groups: ReadonlyMap<string, Group>,
): Group | null {
  if (choice?.kind !== "use") return null;
  for (const { group: id, state } of choice.suspicions) {
    const group = groups.get(id);
    if (group === undefined || id === current || state !== "clear") continue;
    // After a planned move it still writes answers: those come first.
    if (group.passengers.size === 0 && group.engine?.state === "serving" && group.engine.queued === 0) return group;
  }
  return null;
}
