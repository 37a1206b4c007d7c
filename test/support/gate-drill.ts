import { stackAccess } from "../../src/cli/stack-access.ts";
import { ClusterArena } from "../../src/drill/cluster/cluster-arena.ts";
import { ClusterFront } from "../../src/drill/cluster/cluster-front.ts";
import { repair } from "../../src/drill/cluster/repair.ts";
import { rehearseFault } from "../../src/drill/rehearsal.ts";
import type { Engine } from "../../src/machines/local/engine.ts";
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
