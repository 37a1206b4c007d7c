import { setTimeout as delay } from "node:timers/promises";
import { cutPower, type Injection } from "../../src/machines/local/faults.ts";
import { isRedundant, type ReconcilerRig } from "./reconciler-rig.ts";

/** Seconds after the fault. */
export interface PowerRound {
  victim: string;
  /** The word follows the gateways. */
  adopted: number;
  /** Out of service, its group stopped, none of its pods left. */
  isolated: number;
  /** Proven off; null where there is no BMC to prove it. */
  fenced: number | null;
  redundant: number;
  /** After the only thing that was done by hand was begun; null where nothing was. */
  redundantAfterHand: number | null;
}

/**
 * Cuts the power of a server of the active group and waits until every group serves again. `byHand` is what a person does once
 * the server is out of service and its group is stopped.
 */
export async function powerRound(
  rig: ReconcilerRig,
  options: { bmc: boolean; byHand?: (victim: string) => Promise<Injection> },
): Promise<PowerRound> {
  await rig.until("every group serves", isRedundant, 240);
  const { status } = await rig.service();
  const group = status?.groups.find(({ id }) => id === status.active);
  const victim = group?.servers[0];
  if (status === undefined || group === undefined || victim === undefined) throw new Error("no group is active");
  const uids = async () => (await rig.podsOn(victim)).map(({ metadata }) => metadata.uid);
  const old = await uids();
  const { startedAtMs } = await cutPower(rig.engine, rig.stack, victim);
  const seconds = (atMs: number) => (atMs - startedAtMs) / 1_000;
  const adopted = rig.until("adopted", (service) => (service.status?.epoch ?? 0) > status.epoch, 60);
  // A local machine boots within seconds: its quarantine may be over before the last of its pods is gone.
  const isLeft = async () => (await uids()).some((uid) => old.includes(uid));
  const isolated = rig
    .until("out of service", async () => (await rig.quarantine(victim)) !== null, 60)
    .then(() => rig.until("isolated", async () => !(await isLeft()), 60));
  const fenced = options.bmc
    ? rig.until("fenced", async () => {
        const record = await rig.quarantine(victim);
        return record?.poweredOffAt !== undefined;
      })
    : Promise.resolve(null);
  const times = await Promise.all([adopted, isolated, fenced]);
  const hand = await options.byHand?.(victim);
  // Redundant is only the answer once the dead server was left behind or came back.
  await delay(500);
  const redundant = await rig.until("redundant again", isRedundant, 300);
  const [a, i, f] = times;
  return {
    victim,
    adopted: seconds(a),
    isolated: seconds(i),
    fenced: f === null ? null : seconds(f),
    redundant: seconds(redundant),
    redundantAfterHand: hand === undefined ? null : (redundant - hand.startedAtMs) / 1_000,
  };
}
