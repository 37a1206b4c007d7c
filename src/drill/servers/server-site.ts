import { openRemote, type Remote } from "../../machines/server/remote.ts";
import type { SshTarget } from "../../machines/server/target.ts";
import type { ServingPlan } from "../../plan/serving-plan.ts";
import type { Site } from "../cluster/site.ts";
import { isApiCause, type Orders, undoByApi } from "../scenarios/api-causes.ts";
import type { Caused } from "../scenarios/drill-arena.ts";
import type { Cause } from "../scenarios/scenario.ts";
import { causeOnServer } from "./causes.ts";
import { obstacleTo } from "./obstacle.ts";
import type { PowerSwitch } from "./power.ts";
import { answers, reboot } from "./reboot.ts";
import { scriptText } from "./scripts.ts";

export interface ServerSiteOptions {
  plan: ServingPlan;
  /** The ways to its servers; none where somebody else manages them. */
  targets: readonly SshTarget[];
  power: PowerSwitch;
  orders: Orders;
  /** How long a server and its engine may take to come back. */
  patienceMs: number;
}

/** Servers that are reached by SSH: what happens to them is done on them, and each undoes it by itself after a while. */
export class ServerSite implements Site {
  readonly servers = "servers, by SSH";
  readonly patienceMs: number;
  readonly #options: ServerSiteOptions;
  readonly #remotes = new Map<string, Remote>();

  constructor(options: ServerSiteOptions) {
    this.#options = options;
    this.patienceMs = options.patienceMs;
  }

  obstacle(cause: Cause, victim: string): string | null {
    const { power, plan, targets } = this.#options;
    return obstacleTo(cause, victim, { plan, hasWay: targets.length > 0, hasPower: power.has(victim) });
  }

  async cause(cause: Cause, victim: string, random: () => number): Promise<Caused> {
    const { plan, power, orders } = this.#options;
    const chance = Math.floor(random() * 1_000_000);
    const remote = (server: string) => this.#remote(server);
    try {
      const injected = await causeOnServer(cause, victim, { plan, power, orders, remote, chance });
      const undo = async () => {
        await Promise.resolve(injected.done).catch(() => {});
        await this.undo(cause, victim);
      };
      return { ...injected, undo };
    } catch (error) {
      // Half of it may have been done.
      await this.undo(cause, victim).catch(() => {});
      throw error;
    }
  }

  async undo(cause: Cause, victim: string): Promise<void> {
    const { plan, power, orders } = this.#options;
    if (isApiCause(cause)) return undoByApi(cause, orders);
    // Kubernetes starts programs anew.
    if (cause === "gateway-kill" || cause === "reconciler-kill") return;
    // One that boots for its GPU may have been left between off and on.
    if (cause === "server-power" || (cause === "gpu-lost" && power.has(victim))) await power.on(victim);
    if (cause === "server-power") return answers(this.#remote(victim), this.patienceMs);
    const server = cause === "api-server-down" ? (Object.keys(plan.spec.controlPlane)[0] ?? "") : victim;
    const remote = this.#remote(server);
    // Cut off by us, or switched off and on again by the reconciler meanwhile.
    await answers(remote, this.patienceMs);
    const left = await remote.run(scriptText("undo"), { step: "drill: undo" });
    if (cause === "gpu-lost" && left.trim() === "boot") await this.#boot(remote);
    // Nothing but hands cures a cable: whoever has mended it says so.
    if (cause === "ib-down") await orders.order("return", victim);
  }

  async addressHolder(servers: readonly string[], address: string): Promise<string | null> {
    for (const server of servers) {
      const has = this.#remote(server).test(scriptText("has-address"), { values: { address }, timeoutMs: 10_000 });
      // One that cannot be asked has it not: clients would not reach it either.
      if (await has.catch(() => false)) return server;
    }
    return null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#remotes.values()].map((remote) => remote.close()));
    await this.#options.power.close();
  }

  async #boot(remote: Remote): Promise<void> {
    const { power } = this.#options;
    const { name } = remote.target;
    if (!power.has(name)) return reboot(remote, this.patienceMs);
    const cut = await power.off(name);
    // One that is not off yet would be on already.
    await cut.done;
    await power.on(name);
    await answers(remote, this.patienceMs);
  }

  #remote(server: string): Remote {
    const known = this.#remotes.get(server);
    if (known !== undefined) return known;
    const target = this.#options.targets.find(({ name }) => name === server);
    if (target === undefined) throw new Error(`the spec gives no way to ${server}`);
    const remote = openRemote(target, { resume: "tandem drill run" });
    this.#remotes.set(server, remote);
    return remote;
  }
}
