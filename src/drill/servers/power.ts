import { setTimeout as sleep } from "node:timers/promises";
import { type Bmc, type BmcAccess, redfish } from "../../reconciler/bmc/redfish.ts";
import type { Injected } from "../arena.ts";
import { monotonicMs } from "../clock.ts";

/** Who can take a server's power away, and give it back. */
export interface PowerSwitch {
  /** Whether it reaches this server's. */
  has(server: string): boolean;
  off(server: string): Promise<Injected>;
  on(server: string): Promise<void>;
  close(): Promise<void>;
}

const WITHIN_MS = 60_000;
const POLL_MS = 50;

/** The BMCs of servers, as far as the spec says how to reach them. */
export function bmcPower(access: Readonly<Record<string, BmcAccess>>): PowerSwitch {
  const withBmc = async <Result>(server: string, work: (bmc: Bmc) => Promise<Result>): Promise<Result> => {
    const known = access[server];
    if (known === undefined) throw new Error(`the spec names no BMC of ${server} with its password`);
    const bmc = redfish(known);
    try {
      return await work(bmc);
    } finally {
      await bmc.close();
    }
  };
  return {
    has: (server) => access[server] !== undefined,
    off: (server) =>
      withBmc(server, async (bmc) => {
        await bmc.reset("ForceOff");
        // A BMC says yes and does it later: the last moment at which it was not off yet is the earliest for the fault.
        const atMs = await until(bmc, "off");
        return { atMs, what: "its BMC was told to cut its power" };
      }),
    on: (server) =>
      withBmc(server, async (bmc) => {
        if ((await bmc.power()) === "on") return;
        await bmc.reset("On");
        await until(bmc, "on");
      }),
    close: async () => {},
  };
}

/** When it was last asked before it said so, on the monotonic clock. */
async function until(bmc: Bmc, wanted: "on" | "off"): Promise<number> {
  const endMs = monotonicMs() + WITHIN_MS;
  for (let beforeMs = monotonicMs(); ; await sleep(POLL_MS)) {
    const askedMs = monotonicMs();
    if ((await bmc.power()) === wanted) return beforeMs;
    if (askedMs > endMs) throw new Error(`the power was not ${wanted} within ${WITHIN_MS / 1000} s`);
    beforeMs = askedMs;
  }
}
