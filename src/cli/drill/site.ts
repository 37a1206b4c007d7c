import { ClusterArena } from "../../drill/cluster/cluster-arena.ts";
import { LOCAL_PATIENCE_MS, type Site } from "../../drill/cluster/site.ts";
import type { Orders } from "../../drill/scenarios/api-causes.ts";
import { localSite } from "../../drill/scenarios/local-site.ts";
import { bmcPower, type PowerSwitch } from "../../drill/servers/power.ts";
import { ServerSite } from "../../drill/servers/server-site.ts";
import { TandemError } from "../../errors.ts";
import { readBmcCredentials } from "../../infra/stack/bmc-credentials.ts";
import { type Engine, findEngine } from "../../machines/local/engine.ts";
import { startPower } from "../../machines/local/faults.ts";
import { targetsOf } from "../../machines/server/targets.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import { EMULATOR_IMAGE } from "../../spec/schema-engine.ts";

export interface SiteOptions {
  plan: ServingPlan;
  /** Path of the spec: files in it are relative to its folder. */
  file: string;
  orders: Orders;
  /** Local machines too are drilled as real servers are. */
  overSsh: boolean;
}

/** Until a server with eight GPUs has booted: memory is checked first. */
const BOOT_MS = 900_000;

/**
 * The servers of a stack, by what they are.
 *
 * @throws TandemError E_DRILL_NOT_READY where the local machines are not there
 */
export async function siteOf({ plan, file, orders, overSsh }: SiteOptions): Promise<Site> {
  const { spec, probes, image } = plan;
  const { kind } = spec.provision;
  if (kind === "local" && !overSsh) return localSite({ plan, engine: await engineOf(), orders });
  const startMs = probes.startup.periodSeconds * probes.startup.failureThreshold * 1_000;
  return new ServerSite({
    plan,
    targets: kind === "existing" ? [] : targetsOf(spec, file).map(({ target }) => target),
    power: kind === "local" ? localPower(plan, await engineOf()) : bmcPower(bmcAccess(plan, file)),
    orders,
    patienceMs: image === EMULATOR_IMAGE ? LOCAL_PATIENCE_MS : BOOT_MS + startMs,
  });
}

/** The supply of local machines, in the place of their BMCs. */
function localPower(plan: ServingPlan, engine: Engine): PowerSwitch {
  const arena = new ClusterArena(plan, engine);
  return {
    has: () => true,
    off: (server) => arena.inject("server-power", server, Math.random),
    on: async (server) => void (await startPower(engine, plan.name, server)),
    close: () => engine.api.close(),
  };
}

function bmcAccess({ spec }: ServingPlan, file: string) {
  const known = Object.entries(readBmcCredentials(spec, file));
  return Object.fromEntries(
    known.flatMap(([server, credentials]) => {
      const bmc = spec.servers[server]?.bmc;
      return bmc === undefined ? [] : [[server, { url: `https://${bmc.address}`, ...credentials }]];
    }),
  );
}

async function engineOf(): Promise<Engine> {
  const engine = await findEngine();
  if (engine !== undefined) return engine;
  throw new TandemError({
    code: "E_DRILL_NOT_READY",
    what: "the drill was not started",
    why: "the engine that runs the machines of this stack is not there",
    fix: "run `tandem up` with its spec",
  });
}
