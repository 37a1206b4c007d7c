import type { Engine } from "../../machines/local/engine.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { addressHolder } from "../cluster/address-holder.ts";
import { ClusterArena } from "../cluster/cluster-arena.ts";
import { LOCAL_PATIENCE_MS, type Site } from "../cluster/site.ts";
import type { Orders } from "./api-causes.ts";
import { causeOnCluster } from "./cluster-causes.ts";
import { undoOnCluster } from "./cluster-undo.ts";

/** Machines of this computer: what happens to them comes from outside, as power and cables do, and nothing on them is asked. */
export function localSite({ plan, engine, orders }: { plan: ServingPlan; engine: Engine; orders: Orders }): Site {
  const arena = new ClusterArena(plan, engine);
  return {
    servers: "local machines",
    patienceMs: LOCAL_PATIENCE_MS,
    obstacle: () => null,
    cause: (cause, victim, random) => causeOnCluster(cause, { plan, engine, arena, victim, random, ...orders }),
    undo: (cause, victim) => undoOnCluster(cause, { plan, engine, victim, ...orders }),
    addressHolder: (servers, address) => addressHolder(engine, plan.name, servers, address),
    close: () => engine.api.close(),
  };
}
