import { rename, writeFile } from "node:fs/promises";
import { hcasOf, setPort } from "../../emulator/gpu/infiniband.ts";
import type { Engine } from "../../machines/local/engine.ts";
import { isFaultClass } from "../../report/rehearsal.ts";
import { orderEngine } from "../cluster/engine-order.ts";
import { API_SERVER, ASIDE, GPU_OVERRIDES, ranksOf, rootOf, SYS } from "../cluster/machine.ts";
import { repair } from "../cluster/repair.ts";
import { isApiCause, undoByApi } from "./api-causes.ts";
import type { ClusterCause } from "./cluster-causes.ts";
import type { Cause } from "./scenario.ts";

/** Undoes a cause, also one of a drill that was killed: nothing but its name and its victim need be known. */
export async function undoOnCluster(
  cause: Cause,
  { plan, engine, victim, service, order }: Pick<ClusterCause, "plan" | "engine" | "victim" | "service" | "order">,
): Promise<void> {
  if (isApiCause(cause)) return undoByApi(cause, { service });
  if (isFaultClass(cause)) return repair(engine, plan.name, victim, cause);
  switch (cause) {
    case "gpu-lost":
    case "ecc-storm":
      await repair(engine, plan.name, victim, "gpu-xid");
      await writeFile(`${await rootOf(engine, plan.name, victim)}/${GPU_OVERRIDES}`, "").catch(() => {});
      return;
    case "ib-down": {
      const sys = `${await rootOf(engine, plan.name, victim)}/${SYS}`;
      for (const device of hcasOf(sys)) setPort(sys, device, "up");
      await clearOrders(engine, plan.name, victim);
      // Nothing but hands cures a cable: whoever has mended it says so.
      return order("return", victim);
    }
    case "slow-server":
      return clearOrders(engine, plan.name, victim);
    case "api-server-down": {
      const root = await rootOf(engine, plan.name, Object.keys(plan.spec.controlPlane)[0] ?? "");
      await rename(`${root}/${ASIDE}`, `${root}/${API_SERVER}`).catch(() => {});
      return;
    }
    default:
      // Programs are started again by Kubernetes.
      return;
  }
}

async function clearOrders(engine: Engine, stack: string, machine: string): Promise<void> {
  // A group that was put together anew in between has forgotten the order.
  const ranks = await ranksOf(engine, stack, machine).catch(() => []);
  if (ranks.length > 0) await orderEngine(ranks, { fault: "clear" }).catch(() => {});
}
