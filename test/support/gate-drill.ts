import { clusterGround } from "../../src/cli/drill/ground-cluster.ts";
import { playDrill } from "../../src/cli/drill/play.ts";
import { stackAccess } from "../../src/cli/stack-access.ts";
import { ClusterArena } from "../../src/drill/cluster/cluster-arena.ts";
import { ClusterFront } from "../../src/drill/cluster/cluster-front.ts";
import { repair } from "../../src/drill/cluster/repair.ts";
import { rehearseFault } from "../../src/drill/rehearsal.ts";
import { scenarioOf } from "../../src/drill/scenarios/catalogue.ts";
import { redundantAgain } from "../../src/drill/scenarios/readiness.ts";
import type { Engine } from "../../src/machines/local/engine.ts";
import type { DrillReport, ScenarioName } from "../../src/report/drill.ts";
import type { FaultClass, RehearsalReport } from "../../src/report/rehearsal.ts";

export interface GateRound {
  report: RehearsalReport;
  /** Seconds from the repair until nothing speaks against either group. */
  healedSeconds: number;
}

/**
 * One fault on a cluster that is up, in the middle of 20 streams, and its repair. Both groups are sound before and after,
 * or it throws.
 *
 * @param beforeRepair undoes what the caller took away for the round, which the repair may need
 */
export async function gateRound(
  stack: string,
  engine: Engine,
  fault: FaultClass,
  beforeRepair: () => Promise<unknown> = async () => {},
): Promise<GateRound> {
  const { plan, record, apiKey, adminToken, admin } = await stackAccess(stack);
  const arena = new ClusterArena(plan, engine);
  const front = new ClusterFront({
    baseUrl: record.baseUrl,
    apiKey,
    admin: { url: admin.holder, token: adminToken },
    arena,
  });
  try {
    await front.ready({ timeoutMs: 180_000 });
    let victim: string | undefined;
    let report: RehearsalReport;
    try {
      report = await rehearseFault(arena, front, {
        fault,
        streams: 20,
        tell: (moment) => {
          if (moment.kind === "fault") victim = moment.victim;
        },
      });
    } finally {
      await beforeRepair();
      if (victim !== undefined) await repair(engine, stack, victim, fault);
    }
    const began = performance.now();
    await front.ready({ timeoutMs: 240_000 });
    return { report, healedSeconds: (performance.now() - began) / 1000 };
  } finally {
    await front.stop();
  }
}

/** One drill as `tandem drill run` plays it, once a failover would work; and how long it took with its repair. */
export async function gateDrill(stack: string, name: ScenarioName): Promise<{ report: DrillReport; seconds: number }> {
  const { signal } = new AbortController();
  const ground = await clusterGround(stack, signal, () => {});
  try {
    if ((await redundantAgain(ground.arena, 180_000)) === null)
      throw new Error((await ground.arena.readiness()).against.join("; "));
    const began = performance.now();
    const options = { stack, streams: 20, destructive: true, yes: true, output: "text" } as const;
    const report = await playDrill(ground, scenarioOf(name, "cluster"), options, { say: () => {}, signal });
    return { report, seconds: (performance.now() - began) / 1000 };
  } finally {
    await ground.close();
  }
}
