import type { Remote } from "../../machines/server/remote.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { API_SERVER, ASIDE } from "../cluster/machine.ts";
import { LOST_GPU } from "../lost-gpu.ts";
import { causeByApi, isApiCause, type Orders } from "../scenarios/api-causes.ts";
import type { Caused } from "../scenarios/drill-arena.ts";
import { killLeader } from "../scenarios/kill-leader.ts";
import type { Cause } from "../scenarios/scenario.ts";
import { act } from "./act.ts";
import type { PowerSwitch } from "./power.ts";

export interface ServerCause {
  plan: ServingPlan;
  power: PowerSwitch;
  orders: Orders;
  remote(server: string): Remote;
  /** A number that says which rank, or which GPU. */
  chance: number;
}

/** A server undoes by itself after so long what a drill did to it: streams have gone on by then, and the group is isolated. */
const UNDONE_AFTER_SECONDS = "120";
/** Longer than isolating a group may take (10 s), and not much: after it, connections that had no answer try at longer and longer intervals. */
const CUT_SECONDS = 15;
/** A fatal error that a reset cures, so that a drill of it boots no server. */
const FATAL_XID = { xid: "95", detail: "Uncontained ECC error. (a drill)", boot: "0" };
const LOST = { xid: String(LOST_GPU.xid), detail: `${LOST_GPU.detail} (a drill)`, boot: "1" };
const WEAR_LINES = "100";

/** Causes it on a server itself. What it takes away comes back by itself, or by `Site.undo`. */
export async function causeOnServer(
  cause: Cause,
  victim: string,
  { plan, power, orders, remote, chance }: ServerCause,
): Promise<Omit<Caused, "undo">> {
  if (isApiCause(cause)) return causeByApi(cause, victim, orders);
  const values = { seconds: UNDONE_AFTER_SECONDS, chance: String(chance) };
  switch (cause) {
    case "rank-crash":
    case "engine-hang":
    case "server-freeze":
      return act(remote(victim), cause, values);
    case "gpu-xid":
      return act(remote(victim), "gpu-lines", { ...values, ...FATAL_XID, wear: "0" });
    case "gpu-lost":
      return act(remote(victim), "gpu-lines", { ...values, ...LOST, wear: "0" });
    case "ecc-storm": {
      const injected = await act(remote(victim), "gpu-lines", { ...values, ...FATAL_XID, wear: WEAR_LINES });
      return { ...injected, what: `${WEAR_LINES} lines of wear, then ${injected.what}` };
    }
    case "server-power":
      return power.off(victim);
    case "network-cut":
      return {
        ...(await act(
          remote(victim),
          cause,
          { interface: plan.spec.network.interface, seconds: String(CUT_SECONDS) },
          { cutsOff: true },
        )),
        lastsMs: CUT_SECONDS * 1_000,
      };
    case "ib-down":
      return act(remote(victim), cause, {
        ...values,
        interface: plan.spec.network.interface,
        devices: devicesOf(plan),
      });
    case "gateway-kill":
      return act(remote(victim), "kill-program", { program: "tandem-gateway", pod: "" });
    case "api-server-down":
      return act(remote(Object.keys(plan.spec.controlPlane)[0] ?? ""), cause, {
        ...values,
        manifest: `/${API_SERVER}`,
        aside: `/${ASIDE}`,
      });
    case "reconciler-kill":
      return killLeader(plan, orders.service.client, (server, leader) =>
        act(remote(server), "kill-program", { program: "tandem-reconciler", pod: leader }),
      );
    case "slow-server":
      throw new Error("slow-server cannot be done to a server");
  }
}

const devicesOf = ({ spec }: ServingPlan) => spec.network.rdma.devices.join(" ");
