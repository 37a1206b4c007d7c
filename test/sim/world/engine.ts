import { type Agents, launcherPid, UNHEALTHY_AFTER_MS } from "./agent.ts";
import type { SimGroup, SimServer } from "./types.ts";
import { LOAD_MS, type World } from "./world.ts";

/** A peer away for longer than this ends the collective: the ranks crash when they hear of each other again. */
const PATIENCE_MS = 8_000;

/** Told of processes that ended and of groups that begin or end to serve. */
export interface EngineEvents {
  onExit(server: SimServer, pod: number): void;
  onService(group: SimGroup): void;
}

/** Ranks and what becomes of their group: one that dies takes the others along, one that only stands still hangs them. */
export class Engines {
  readonly #world: World;
  readonly #agents: Agents;
  readonly #events: EngineEvents;

  constructor(world: World, agents: Agents, events: EngineEvents) {
    this.#world = world;
    this.#agents = agents;
    this.#events = events;
  }

  ranksOf(group: SimGroup): SimServer[] {
    const found: SimServer[] = [];
    for (const server of this.#world.servers.values())
      if (server.rank?.group === group.id && server.rank.start === group.start) found.push(server);
    return found;
  }

  startRank(server: SimServer, group: SimGroup, pod: number): void {
    const world = this.#world;
    server.rank = {
      group: group.id,
      start: group.start,
      pid: world.pid(),
      number: group.members.indexOf(server.name),
      isStopped: false,
      startedMs: world.now,
      pod,
    };
    this.#agents.rank(server, "running");
    this.#agents.launcher(server);
    this.#agents.lookSoon(server);
    // A broken GPU ends the process that first touches it.
    if (server.needs !== null && server.needs !== "schedule-reset")
      world.kernel.after(1_500, () => server.rank?.pod === pod && this.crash(server));
    if (this.ranksOf(group).length < group.size) return;
    group.state = "loading";
    group.sinceMs = world.now;
    const { start } = group;
    group.readyMs = world.now + LOAD_MS * world.random.between(0.8, 1.2);
    this.#agents.engine(group);
    world.kernel.at(group.readyMs, () => {
      if (group.start !== start) return;
      if (world.badRevisions.has(group.revision)) this.#spoil(group);
      else this.settle(group);
    });
    world.changed();
  }

  /** A bad revision ends its leader instead of serving; one that stands still at that time, as soon as it goes on. */
  #spoil({ id, start, revision, members }: SimGroup): void {
    const { servers, crashedRevisions } = this.#world;
    const leader = servers.get(members[0] ?? "");
    if (leader?.rank?.start !== start || leader.rank.group !== id || leader.frozen) return;
    if (!crashedRevisions.has(revision)) crashedRevisions.set(revision, id);
    this.crash(leader);
  }

  /** The process ends by itself; its kernel tells the peers. */
  crash(server: SimServer): void {
    const { rank } = server;
    // Nothing runs there, so nothing ends.
    if (rank === null || server.frozen) return;
    const group = this.#world.group(rank.group);
    this.end(server);
    for (const peer of group.start === rank.start ? this.ranksOf(group) : []) {
      this.#world.kernel.after(this.#world.random.between(100, 1_000), () => {
        const isSame = peer.rank?.group === group.id && peer.rank.start === rank.start;
        const hears = server.power && server.net && peer.net && !peer.frozen && !peer.rank?.isStopped;
        if (isSame && hears) this.crash(peer);
      });
    }
  }

  /** The process is gone, for whatever reason. */
  end(server: SimServer): void {
    const { rank } = server;
    if (rank === null) return;
    const group = this.#world.group(rank.group);
    server.rank = null;
    const exit = { kind: "rank", group: group.id, rank: rank.number, pid: rank.pid, state: "exited" } as const;
    const { life } = server;
    this.#world.kernel.after(this.#world.random.between(1, 50), () => {
      if (server.life === life) this.#agents.tell(server, exit);
    });
    // It looks after its ranks once a second, and ends with them.
    const ended = { kind: "engine-process", group: group.id, pid: launcherPid(rank), state: "exited" } as const;
    if (rank.number === 0)
      this.#world.kernel.after(this.#world.random.between(50, 1_000), () => {
        if (server.life === life) this.#agents.tell(server, ended);
      });
    this.#agents.lookSoon(server);
    this.#events.onExit(server, rank.pod);
    if (group.start === rank.start) this.settle(group);
    this.#world.changed();
  }

  /** Something about a rank, its server or its links changed. */
  settle(group: SimGroup): void {
    const world = this.#world;
    const { now } = world;
    const ranks = this.ranksOf(group);
    if (ranks.length === 0) {
      if (group.state !== "none") this.#become(group, "none");
      return;
    }
    if (group.state === "none") return;
    const works = ranks.length === group.size && !group.isStuck && ranks.every(canCompute);
    if (!works) {
      if (group.state !== "hung") this.#become(group, "hung");
    } else if (group.state === "hung" && now - group.sinceMs > PATIENCE_MS) {
      const [first] = ranks;
      if (first !== undefined) this.crash(first);
    } else if (group.state !== "serving") {
      const next = group.readyMs <= now ? "serving" : "loading";
      if (next === "serving" && world.badRevisions.has(group.revision)) this.#spoil(group);
      else if (next !== group.state) this.#become(group, next);
    }
  }

  #become(group: SimGroup, state: SimGroup["state"]): void {
    const world = this.#world;
    const { now } = world;
    if (group.state === "serving") group.lastServedMs = now;
    if (state === "serving") group.servesSinceMs = now;
    group.state = state;
    group.sinceMs = now;
    const { start } = group;
    world.say(() => `group ${group.id} ${WORDS[state]}`);
    const again = (ms: number, then: () => void) =>
      world.kernel.after(ms, () => group.start === start && group.state === state && group.sinceMs === now && then());
    // The agent reads the engine every half second.
    if (state !== "none") again(world.random.between(1, 500), () => this.#agents.engine(group));
    if (state === "hung") again(UNHEALTHY_AFTER_MS, () => this.#agents.engine(group));
    this.#events.onService(group);
    world.changed();
  }
}

const WORDS = { none: "has no process left", loading: "loads", serving: "serves", hung: "hangs" } as const;

function canCompute({ power, frozen, net, ib, needs, rank }: SimServer): boolean {
  return power && !frozen && net && ib && (needs === null || needs === "schedule-reset") && rank?.isStopped === false;
}
