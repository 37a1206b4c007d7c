import type { MoveStatus } from "../../manifests/model-service/resource.ts";
import type { Decided } from "../actions/hands.ts";

/** When each step of a repair was first seen, wall clock of this process; what was not seen is missing. */
export interface RepairTimes {
  isolatedMs?: number;
  fencedMs?: number;
  redundantMs?: number;
  /** The server that the evidence blames. */
  blamed?: string;
}

/** What one pass adds to what is known of the repair after a move. Pure. */
export function seenOf(before: RepairTimes, { from }: MoveStatus, { knowledge, observation }: Decided): RepairTimes {
  const { observed } = observation;
  const { wallMs } = knowledge.moment;
  const group = observed.groups.find(({ id }) => id === from);
  const blamed = before.blamed ?? group?.verdict.blamed ?? undefined;
  const server = observed.servers.find(({ name }) => name === blamed);
  const { status } = knowledge.cluster.service;
  const isolated = before.isolatedMs !== undefined || group?.run === "stopped";
  const restarted = before.isolatedMs !== undefined && group !== undefined && group.run !== "stopped";
  const fenced = isolated && (restarted || (server?.quarantine != null && server.fence.fenced));
  // Groups that only seem to serve, because nobody has noticed the fault yet, are no repair.
  const redundant =
    isolated &&
    group?.run === "serving" &&
    status?.conditions.find(({ type }) => type === "Redundant")?.status === "True" &&
    status.takeover.ready;
  return {
    ...before,
    ...(blamed === undefined ? {} : { blamed }),
    ...(isolated ? { isolatedMs: before.isolatedMs ?? wallMs } : {}),
    ...(fenced ? { fencedMs: before.fencedMs ?? wallMs } : {}),
    ...(redundant ? { redundantMs: before.redundantMs ?? wallMs } : {}),
  };
}
