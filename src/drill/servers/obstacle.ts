import type { ServingPlan } from "../../plan/serving-plan.ts";
import { isApiCause } from "../scenarios/api-causes.ts";
import type { Cause } from "../scenarios/scenario.ts";

export interface Reach {
  plan: ServingPlan;
  /** Whether its servers can be reached by SSH. */
  hasWay: boolean;
  /** Whether the victim's power can be cut and given back. */
  hasPower: boolean;
}

/** Why something cannot be done to a server that nobody but itself can lay hands on; null if it can. Pure. */
export function obstacleTo(cause: Cause, victim: string, { plan, hasWay, hasPower }: Reach): string | null {
  if (isApiCause(cause)) return null;
  if (!hasWay) return "somebody else manages these servers (provision.kind: existing), and faults are caused over SSH";
  if (cause === "server-power" && !hasPower)
    return `nobody can give ${victim} its power back: the spec names no BMC of it with \`bmc.secretFile\``;
  if (cause === "slow-server") return "no way to slow a GPU down is sure to end by itself";
  if (cause === "ib-down" && plan.spec.network.rdma.kind !== "roce")
    return plan.spec.network.rdma.kind === "none"
      ? "these servers have no RDMA network"
      : "a server cannot take its own InfiniBand port down; do it at the switch (`ibportstate LID PORT disable`)";
  return null;
}
