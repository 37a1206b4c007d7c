import type { Actor } from "../actors/actor.ts";
import { type Order, words } from "../actors/effects.ts";
import type { SimGateway } from "../actors/gateway.ts";
import { membersOf } from "../actors/observe.ts";
import type { SimGroup, SimServer } from "../world/types.ts";
import type { World } from "../world/world.ts";
import { isPlainlyBroken, isPlainlyIntact, KNOWN_AFTER_MS } from "./known.ts";

/** The same action so often within this time is a loop, unless each has a fault, or a person's change, of its own. */
const LOOP_MS = 60_000;
const LOOP_TIMES = 5;
/** News that an agent tells of by itself: it asks the engine every half second, the word travels, and a step was under way. */
const NEWS_MS = 1_000;
/** A process that was stopped within a step gives it up after so long. */
const STEP_MS = 5_500;

function isBroken({ isHidden, needs, rank }: SimServer): boolean {
  return isHidden || (needs !== null && (needs !== "schedule-reset" || rank === null));
}

/** What reconcilers do, held against what is true at the moment at which it takes effect. */
export class EffectChecks {
  readonly #world: World;
  readonly #gateways: () => readonly SimGateway[];
  readonly #epochs = new Map<number, string>([[1, "a"]]);
  readonly #done = new Map<string, number[]>();
  /** By reconciler and server: when the way between the two began or ended. What came just now is not known yet. */
  readonly #flowedMs = new Map<string, number>();
  readonly #flows = new Map<string, boolean>();
  /** When a person paused the automation; null while nobody has. */
  #pausedMs: number | null = null;
  #lastBy = "";
  #lastMs = 0;

  constructor(world: World, gateways: () => readonly SimGateway[], reconcilers: readonly Actor[]) {
    this.#world = world;
    this.#gateways = gateways;
    world.watchers.push({
      onTruth() {},
      onFlow: (server) => {
        for (const { name } of reconcilers) this.#noteFlow(name, server);
      },
      onApi: () => {
        this.#pausedMs = world.api.state.service.paused ? (this.#pausedMs ?? world.now) : null;
      },
    });
  }

  #noteFlow(observer: string, server: SimServer): void {
    const key = `${observer} ${server.name}`;
    const flows = this.#world.flows(observer, server);
    if (this.#flows.get(key) === flows) return;
    this.#flows.set(key, flows);
    this.#flowedMs.set(key, this.#world.now);
  }

  /** What is wrong with its GPUs, as whoever hears it must know by now; null where nothing is, or nobody can know. */
  #toldOf(server: SimServer, by: string): string | null {
    const { needs, faultMs, name } = server;
    const sinceMs = Math.max(faultMs, this.#flowedMs.get(`${by} ${name}`) ?? 0);
    return this.#world.flows(by, server) && this.#world.now - sinceMs > KNOWN_AFTER_MS ? needs : null;
  }

  /** An order that nobody took. */
  refused({ by, action }: Order): void {
    this.#loop(`${by.name}: ${words(action)}, refused`, this.#world.now);
  }

  check(order: Order): void {
    const { action, by, readMs } = order;
    const world = this.#world;
    const { api, lease, now } = world;
    const told = `${by.name}: ${words(action)}`;
    const breach = (rule: string, why: string) => world.breach(rule, `${told}: ${why}`);
    // A step that was under way when the word came is not broken off; it is over soon.
    const pausedForMs = now - (this.#pausedMs ?? now);
    if (order.state.service.paused || pausedForMs > now - order.claimedMs || pausedForMs > STEP_MS)
      breach("paused", "a person paused the automation");
    if (now - readMs > STEP_MS) breach("stale-read", `decided on what was read ${Math.round(now - readMs)} ms ago`);
    if (this.#lastBy !== by.name && lease.holder !== by.name && this.#lastMs > readMs)
      breach("late-write", `${this.#lastBy} has acted since`);
    this.#lastBy = by.name;
    this.#lastMs = now;
    this.#loop(told, now);
    const onServer = "server" in action ? world.server(action.server) : null;
    const group = "group" in action ? world.group(action.group) : null;
    switch (action.kind) {
      case "set-active":
        return void this.#setActive(order, breach);
      case "stop-group":
        if (group !== null) this.#ends(group, action.why === "fault", breach);
        if (group !== null && action.why === "fault") this.#blames(group, by.name, breach);
        return;
      case "quarantine":
        return void this.#quarantine(onServer as SimServer, breach);
      case "power-off":
      case "treat": {
        const server = onServer as SimServer;
        if (api.state.nodes[server.name]?.cordoned) breach("reserved", "a person cordoned it");
        const mine = server.rank === null ? null : world.group(server.rank.group);
        if (mine !== null && mine.start === server.rank?.start) this.#ends(mine, true, breach);
        if (action.kind === "treat" && server.rank !== null) breach("not-fenced", "a rank still runs on it");
        return;
      }
      case "start-group":
        return void this.#starts(group as SimGroup, action.revision, by.name, breach);
      case "add-member": {
        const server = onServer as SimServer;
        if (server.rank !== null) breach("not-fenced", "a process of its old group still runs");
        if (api.state.nodes[server.name]?.cordoned) breach("reserved", "a person cordoned it");
        if (api.state.nodes[server.name]?.group !== null) breach("two-groups", "it has a group");
        return;
      }
      case "return-server":
        // What broke since it was looked at, or right before, comes to light once it is back.
        // One that serves again is let go; what only wears is mended when it stands by.
        if (onServer !== null && readMs - onServer.faultMs > NEWS_MS && isBroken(onServer))
          breach("returned-broken", "it was never mended");
        return;
      default:
        return;
    }
  }

  /** An action that ends the processes of a group. */
  #ends(group: SimGroup, isForFault: boolean, breach: (rule: string, why: string) => void): void {
    const world = this.#world;
    // The end of a group that is stopped was judged when it was stopped, though a process may live for longer: while the API
    // server is away no kubelet hears of it, and a cable that is put in again lets it serve as if nothing had been decided.
    if (world.api.state.groups[group.id]?.replicas === 0) return;
    if (isForFault && isPlainlyIntact(world, group))
      breach("intact-touched", `group ${group.id} has served for ${Math.round(world.now - group.servesSinceMs)} ms`);
    if (group.state !== "serving") return;
    const others = [...world.groups.values()].filter(({ id }) => id !== group.id);
    const isNews = world.now - group.servesSinceMs < NEWS_MS;
    if (!isNews && others.every((other) => isPlainlyBroken(world, other)))
      breach("last-intact", `no group but ${group.id} serves`);
    if (!isForFault && world.api.state.service.active === group.id && others.length > 0)
      breach("change-of-active", `group ${group.id} is active`);
  }

  /**
   * A GPU that is known to be broken must not be started again as if a process had merely ended. Where another server of the
   * group is in quarantine this is no restart, and what is still broken then is looked at before the start.
   */
  #blames({ id }: SimGroup, by: string, breach: (rule: string, why: string) => void): void {
    const world = this.#world;
    const { state } = world.api;
    if (membersOf(state, id).some((name) => state.service.servers[name]?.quarantine)) return;
    for (const name of membersOf(state, id)) {
      const needs = this.#toldOf(world.server(name), by);
      // What only wears has ended no group.
      if (needs !== null && needs !== "schedule-reset") breach("not-blamed", `${name} needs ${needs}`);
    }
  }

  #quarantine(server: SimServer, breach: (rule: string, why: string) => void): void {
    const world = this.#world;
    const id = world.api.state.nodes[server.name]?.group ?? null;
    const group = id === null ? null : world.group(id);
    // One that is stopped already was judged then; its processes may live for a moment longer.
    const isStopped = id !== null && world.api.state.groups[id]?.replicas === 0;
    if (group !== null && !isStopped && isPlainlyIntact(world, group))
      breach("intact-touched", `group ${group.id} serves`);
    if (server.faultMs < 0) breach("wrong-blame", `nothing ever was wrong with ${server.name}`);
  }

  #setActive({ action, state, look }: Order, breach: (rule: string, why: string) => void): void {
    if (action.kind !== "set-active") return;
    const world = this.#world;
    const { epoch, active } = world.api.state.service;
    const before = this.#epochs.get(action.epoch);
    if (action.epoch <= epoch) breach("epoch", `epoch ${epoch} was given out already`);
    if (before !== undefined && before !== action.group) breach("epoch", `epoch ${action.epoch} named ${before}`);
    this.#epochs.set(action.epoch, action.group);
    const users = this.#gateways().filter((one) => one.runs && one.current === action.group);
    if (
      action.why === "adopt" &&
      users.length > 0 &&
      users.every((one) => one.epoch < epoch && one.movedMs < one.sinceMs)
    )
      breach("adopted-late", `no gateway that uses ${action.group} has heard epoch ${epoch}`);
    const isOwn = action.why === "failover" || (action.why === "settle" && action.group !== active);
    const isStopped = world.api.state.groups[active]?.replicas === 0;
    if (isOwn && !isStopped && isPlainlyIntact(world, world.group(active)))
      breach("needless-move", `group ${active} serves`);
    const isAdopted = action.why === "adopt" || action.group === active;
    const isUsable = ["serving", "loading"].includes(world.group(active).state);
    if (!isAdopted && isUsable && isPlainlyBroken(world, world.group(action.group)))
      breach("moved-to-dead", `group ${action.group} does not serve`);
    const { crashes } = state.service;
    const last = crashes.at(-1);
    const isSuspect = look.seen.groups.some(({ id, verdict }) => id === active && verdict.state === "suspect");
    // Where all gateways are already it is no step: they have tried whether it answers. One that holds its requests is nowhere.
    const using = this.#gateways().filter(({ runs, choice }) => runs && choice?.kind === "use");
    const isFollowed = using.length > 0 && using.every(({ current }) => current === action.group);
    if (action.why === "failover" && isSuspect && !isFollowed && last !== undefined && world.isPoisoned) {
      const groups = new Set(crashes.map(({ group }) => group));
      if (groups.size > 1) breach("poison-spreads", "it ended both groups already");
    }
  }

  #starts(group: SimGroup, revision: string, by: string, breach: (rule: string, why: string) => void): void {
    const world = this.#world;
    const { api, now } = world;
    for (const name of membersOf(api.state, group.id)) {
      const server = world.server(name);
      if (server.rank !== null) breach("not-fenced", `a process of before still runs on ${name}`);
      if (api.state.service.servers[name]?.quarantine) breach("quarantined", `${name} is in quarantine`);
      const isGone = !server.power || server.frozen || !server.net;
      if (isGone && now - server.faultMs > KNOWN_AFTER_MS) breach("start-on-dead", `${name} is not there`);
      const needs = this.#toldOf(server, by);
      // What only wears can wait for whoever cordoned it.
      if (needs === "schedule-reset" && api.state.nodes[name]?.cordoned) continue;
      if (needs !== null) breach("start-on-broken", `${name} needs ${needs}`);
    }
    if (world.badRevisions.has(revision) && world.crashedRevisions.has(revision))
      if (world.crashedRevisions.get(revision) !== group.id)
        breach("change-spreads", `${revision} crashed group ${world.crashedRevisions.get(revision)}`);
  }

  #loop(told: string, now: number): void {
    const times = (this.#done.get(told) ?? []).filter((atMs) => now - atMs < LOOP_MS);
    times.push(now);
    this.#done.set(told, times);
    const allowed = LOOP_TIMES + this.#world.faultsMs.filter((atMs) => now - atMs < LOOP_MS).length;
    if (times.length === allowed) this.#world.breach("loop", `${told}: ${allowed} times in a minute`);
  }
}
