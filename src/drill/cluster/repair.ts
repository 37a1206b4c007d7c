import { setTimeout as delay } from "node:timers/promises";
import { inspectContainer } from "../../machines/local/container.ts";
import type { Engine } from "../../machines/local/engine.ts";
import { cutPower, plug, startPower, thaw } from "../../machines/local/faults.ts";
import { containerName } from "../../machines/local/labels.ts";
import type { FaultClass } from "../../report/rehearsal.ts";
import { rankProcesses } from "./rank-processes.ts";

/** The engine tells a moment later that a machine has died. */
const NOTICED_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 100;

/**
 * Undoes a fault, as a person in front of the server would. What runs on it comes back by Kubernetes alone. A server that its BMC
 * switches off meanwhile, to prove it harmless, has the fault no more: if it is not on again by then, it gets its power.
 */
export async function repair(engine: Engine, stack: string, victim: string, fault: FaultClass): Promise<void> {
  const look = async () => (await inspectContainer(engine.api, containerName(stack, victim)))?.State;
  const before = await look();
  try {
    await undo(engine, stack, victim, fault);
  } catch (error) {
    for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
      const now = await look();
      if (now !== undefined && !now.Running) return void (await startPower(engine, stack, victim));
      if (now !== undefined && now.Pid !== before?.Pid) return;
      if (now === undefined || waitedMs >= NOTICED_WITHIN_MS) throw error;
      await delay(LOOK_EVERY_MS);
    }
  }
}

async function undo(engine: Engine, stack: string, victim: string, fault: FaultClass): Promise<void> {
  switch (fault) {
    case "server-power":
      await startPower(engine, stack, victim);
      return;
    case "server-freeze":
      await thaw(engine, stack, victim);
      return;
    case "network-cut":
      await plug(engine, stack, victim);
      return;
    case "gpu-xid":
      // A GPU that fell off the bus comes back with a reboot, and not before.
      await cutPower(engine, stack, victim);
      await startPower(engine, stack, victim);
      return;
    case "engine-hang": {
      const container = await inspectContainer(engine.api, containerName(stack, victim));
      for (const { pid } of container ? await rankProcesses(container.Id) : []) process.kill(pid, "SIGCONT");
      return;
    }
    case "rank-crash":
      // LeaderWorkerSet makes the group anew by itself.
      return;
  }
}
