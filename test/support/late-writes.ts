import { setTimeout as delay } from "node:timers/promises";
import { cutPower } from "../../src/machines/local/faults.ts";
import { LateProxy, type LateWrite } from "./late-proxy.ts";
import { isRedundant, type ReconcilerRig, type Replica } from "./reconciler-rig.ts";

/** What came of it; times are seconds after the fault. */
export interface LateWrites {
  victim: string;
  epochs: { before: number; after: number };
  /** Writes of the replica that was stopped past its lease, as the API server answered them when they arrived. */
  late: { method: string; path: string; status: number }[];
  /** What that replica says of itself after it was woken: whether it leads. */
  wokenLeads: boolean;
  adopted: number;
  fenced: number;
  /** After the second leader was killed with SIGKILL, and the first led again. */
  redundant: number;
}

/**
 * A server of the active group loses its power. The leader's writes are held up on their way and it is stopped with the first of
 * them; the other replica takes the lease and acts; then the writes arrive. In the end that other one is killed as well.
 */
export async function lateWrites(rig: ReconcilerRig): Promise<LateWrites> {
  const proxy = await LateProxy.start(rig.kubeconfig);
  const first = rig.start("stopped", proxy.kubeconfig);
  try {
    await rig.until("the first replica leads", () => leads(first), 30);
    const second = rig.start("killed");
    await rig.until("every group serves", isRedundant, 120);
    const { status } = await rig.service();
    const victim = status?.groups.find(({ id }) => id === status.active)?.servers[0];
    if (status === undefined || victim === undefined) throw new Error("no group is active");
    const { epoch } = status;

    proxy.hold();
    const { startedAtMs } = await cutPower(rig.engine, rig.stack, victim);
    const seconds = (atMs: number) => (atMs - startedAtMs) / 1_000;
    const isDecision = ({ path }: LateWrite) => !path.includes("/leases/") && !path.includes("/events");
    await rig.until("the leader writes what it decided", () => proxy.late.some(isDecision), 30);
    first.process.kill("SIGSTOP");

    const adopted = await rig.until("the other one adopts", ({ status: now }) => (now?.epoch ?? 0) > epoch, 60);
    const isOff = async () => (await rig.quarantine(victim))?.poweredOffAt !== undefined;
    const fenced = await rig.until("fenced by its BMC", isOff, 60);

    proxy.release();
    const late = await Promise.all(
      proxy.late.map(async ({ method, path, status: said }) => ({ method, path, status: await said })),
    );
    const after = (await rig.service()).status?.epoch ?? 0;
    first.process.kill("SIGCONT");
    // Its clock has run on while it stood still: the first turn of its loop knows.
    await delay(1_000);
    const wokenLeads = await leads(first);

    second.process.kill("SIGKILL");
    const redundant = await rig.until("the woken one finishes", isRedundant, 180);
    return {
      victim,
      epochs: { before: epoch, after },
      late: late.filter(({ path }) => !path.includes("/events")),
      wokenLeads,
      adopted: seconds(adopted),
      fenced: seconds(fenced),
      redundant: seconds(redundant),
    };
  } finally {
    // Its way to the API server ends here.
    first.process.kill("SIGKILL");
    await proxy.close();
  }
}

/** Whether it says so of itself. */
export async function leads(replica: Replica): Promise<boolean> {
  return /^tandem_reconciler_leader 1$/m.test(await replica.metrics());
}
