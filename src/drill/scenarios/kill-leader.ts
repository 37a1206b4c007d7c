import type { KubeClient } from "../../kube/client.ts";
import { RECONCILER_LEASE } from "../../manifests/names.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { Injected } from "../arena.ts";
import { leaseHolder, leasePassed } from "../cluster/lease-holder.ts";
import type { Caused } from "./drill-arena.ts";

/** Others take the lease when it was not renewed for 6 s; a busy API server is given as much again. */
const LEASE_MS = 15_000;

/**
 * Kills the reconciler that leads, wherever it runs. It has had its effect when another one has the lease.
 *
 * @param killOn kills it on one machine if it runs there (a process calls itself by its pod's name, and a word of its own
 *   start); rejects if it does not
 */
export async function killLeader(
  { namespace, spec }: ServingPlan,
  client: KubeClient,
  killOn: (machine: string, leader: string) => Promise<Injected>,
): Promise<Omit<Caused, "undo">> {
  const lease = { namespace, name: RECONCILER_LEASE };
  const leader = await leaseHolder(client, lease);
  for (const machine of Object.keys({ ...spec.controlPlane, ...spec.servers })) {
    const killed = await killOn(machine, leader).catch(() => null);
    if (killed === null) continue;
    const shown = () => leasePassed(client, lease, leader, LEASE_MS);
    return { ...killed, what: `${killed.what}, which led`, shown };
  }
  throw new Error(`the reconciler that leads (${leader || "nobody does"}) runs on no machine`);
}
