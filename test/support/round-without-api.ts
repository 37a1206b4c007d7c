import { stackAccess } from "../../src/cli/stack-access.ts";
import { monotonicMs } from "../../src/drill/clock.ts";
import { programsOn } from "../../src/drill/cluster/machine.ts";
import { repair } from "../../src/drill/cluster/repair.ts";
import { rehearseFault } from "../../src/drill/rehearsal.ts";
import type { Engine } from "../../src/machines/local/engine.ts";
import type { FaultClass, RehearsalReport } from "../../src/report/rehearsal.ts";
import { onGround, untilRedundant } from "./gate-drill.ts";

export interface RoundWithoutApi {
  report: RehearsalReport;
  /** Seconds from the repair until a failover would work again. */
  healedSeconds: number;
}

/**
 * One fault in the middle of 20 streams, while there is no API server and so no reconciler that could act; then both are
 * undone. It is no drill: the cluster could not be told of one.
 *
 * @throws Error if no failover would work before it, or after it
 */
export async function roundWithoutApi(stack: string, engine: Engine, fault: FaultClass): Promise<RoundWithoutApi> {
  return onGround(stack, async (ground) => {
    const { arena } = ground;
    const away = await arena.cause("api-server-down", "", Math.random);
    let victim: string | undefined;
    let report: RehearsalReport;
    try {
      report = await rehearseFault(arena, arena.front, {
        fault,
        streams: 20,
        tell: (moment) => {
          if (moment.kind === "fault") victim = moment.victim;
        },
      });
    } finally {
      await away.undo();
      await forgetCrashes(engine, stack);
      if (victim !== undefined) await repair(engine, stack, victim, fault);
    }
    const began = monotonicMs();
    await untilRedundant(ground);
    return { report, healedSeconds: (monotonicMs() - began) / 1000 };
  });
}

/**
 * A static pod that comes back counts as one that crashed: kubelet waits longer each time, up to 5 minutes, which no round after
 * some dozen would outlast. It keeps the count in memory, and systemd starts it again.
 */
async function forgetCrashes(engine: Engine, stack: string): Promise<void> {
  const { plan } = await stackAccess(stack);
  const [machine = ""] = Object.keys(plan.spec.controlPlane);
  for await (const pid of programsOn(engine, stack, machine, "bin/kubelet")) process.kill(Number(pid), "SIGTERM");
}
