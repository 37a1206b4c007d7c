import { compareRemedies, type Remedy } from "../../../src/health/remedy.ts";
import type { Agents } from "./agent.ts";
import type { Cluster } from "./cluster.ts";
import type { Engines } from "./engine.ts";
import type { SimServer } from "./types.ts";
import { BOOT_MS, type World } from "./world.ts";

/** An NVLink error that only a person can do something about. */
const BROKEN_XID = 74;

/** What is done to machines: by faults, by their BMC, and by jobs on them. */
export class Machines {
  readonly #world: World;
  readonly #agents: Agents;
  readonly #engines: Engines;
  readonly #cluster: Cluster;

  constructor(world: World, agents: Agents, engines: Engines, cluster: Cluster) {
    this.#world = world;
    this.#agents = agents;
    this.#engines = engines;
    this.#cluster = cluster;
  }

  /** Ranks, streams and the kubelet of a server may go on, or not. */
  settle(server: SimServer): void {
    this.#world.flowChanged(server);
    for (const group of this.#world.groups.values()) this.#engines.settle(group);
    this.#cluster.linkChanged(server);
  }

  cutPower(server: SimServer): void {
    if (!server.power) return;
    server.power = false;
    server.life += 1;
    server.frozen = false;
    server.agent = null;
    server.rank = null;
    server.oldLines.push(...server.lines);
    server.lines = [];
    server.untold = [];
    this.settle(server);
  }

  /** Power on, kernel, agent, kubelet. A boot mends what a reset mends, and more. */
  boot(server: SimServer): void {
    this.cutPower(server);
    const { life } = server;
    this.#world.kernel.after(BOOT_MS * this.#world.random.between(0.8, 1.2), () => {
      if (server.life !== life || server.power) return;
      server.power = true;
      server.life += 1;
      server.bootId += 1;
      server.bootedMs = this.#world.now;
      this.#mend(server, "failover-reboot");
      this.#world.say(() => `${server.name} has booted`);
      // The driver meets what a boot does not mend, and says so again.
      if (server.needs !== null) this.#agents.line(server, { kind: "xid", code: BROKEN_XID });
      this.#hangPeers(server);
      this.#agents.start(server);
      this.#cluster.booted(server);
      this.settle(server);
    });
  }

  /** A kernel that knows nothing of the connections of before resets them. */
  #hangPeers(server: SimServer): void {
    for (const group of this.#world.groups.values()) {
      if (!group.members.includes(server.name) || group.state !== "hung") continue;
      for (const peer of this.#engines.ranksOf(group)) {
        const { rank } = peer;
        this.#world.kernel.after(this.#world.random.between(500, 3_000), () => {
          if (peer.rank === rank && !peer.frozen && peer.net && !rank?.isStopped) this.#engines.crash(peer);
        });
      }
    }
  }

  freeze(server: SimServer, isFrozen: boolean): void {
    if (!server.power || server.frozen === isFrozen) return;
    server.frozen = isFrozen;
    // What changed meanwhile is seen at the next look.
    if (!isFrozen) this.#agents.retell(server);
    this.settle(server);
  }

  cutNet(server: SimServer, isCut: boolean): void {
    if (server.net === !isCut) return;
    server.net = !isCut;
    this.settle(server);
  }

  /** The BMC's own answer to a power-off; false where nobody answers. */
  askPowerOff(server: SimServer): boolean {
    if (server.bmc !== "works") return false;
    this.#world.kernel.after(this.#world.random.between(1_000, 3_000), () => this.cutPower(server));
    return true;
  }

  askBoot(server: SimServer, by: string): boolean {
    if (server.bmc === "works") {
      this.#world.kernel.after(1_000, () => this.boot(server));
      return true;
    }
    if (!this.#world.flows(by, server)) return false;
    this.#world.kernel.after(1_000, () => this.boot(server));
    return true;
  }

  /** A job on the server; nothing happens where it cannot run. */
  askReset(server: SimServer): void {
    const { life } = server;
    this.#world.kernel.after(4_000, () => {
      if (server.life !== life || !server.power || server.frozen || server.rank !== null) return;
      this.#mend(server, "failover-reset");
      this.#agents.lookSoon(server);
      this.settle(server);
    });
  }

  /** What a check of an idle server finds. */
  isSound(server: SimServer): boolean {
    return server.power && !server.frozen && server.net && server.ib && server.needs === null && !server.isHidden;
  }

  #mend(server: SimServer, how: Remedy): void {
    if (server.needs !== null && compareRemedies(server.needs, how) <= 0) server.needs = null;
    if (how === "failover-reboot") server.isHidden = false;
  }
}
