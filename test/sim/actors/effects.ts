import type { Action } from "../../../src/failover/decision.ts";
import type { ApiState, ServerRecord } from "../world/api-server.ts";
import type { Cluster } from "../world/cluster.ts";
import type { Machines } from "../world/machines.ts";
import type { World } from "../world/world.ts";
import { isSame, type Look } from "./observe.ts";
import { POLICY } from "./policy.ts";
import type { SimReconciler } from "./reconciler.ts";

export interface Order {
  by: SimReconciler;
  action: Action;
  /** What it was decided on: a write loses if its object has moved since. */
  state: ApiState;
  readMs: number;
  look: Look;
  /** When its first write was taken. */
  claimedMs: number;
  done: () => void;
}

/** Asked right before something takes effect. */
export type OnEffect = (order: Order) => void;

const CHECK_MS = 2_000;
const CLEAN = { quarantine: null, powerOffAskedMs: null, treated: null, validated: false, failedChecks: 0 };

/**
 * Carries actions out as a reconciler must: first a write to the ModelService that is refused if anything moved, then the
 * thing itself under the version of its own object, then the record of it. The process may end, stop or be told nothing
 * between any two of these.
 */
export class Effects {
  readonly #world: World;
  readonly #machines: Machines;
  readonly #cluster: Cluster;
  onEffect: OnEffect = () => {};
  /** An order that whoever was told did not take. */
  onRefused: OnEffect = () => {};
  /** Called before every step; faults that hit between steps hang here. */
  onStep: (by: SimReconciler) => void = () => {};
  /** Writes are taken, their answers are lost. */
  losesAnswers = false;

  constructor(world: World, machines: Machines, cluster: Cluster) {
    this.#world = world;
    this.#machines = machines;
    this.#cluster = cluster;
  }

  /** A new leader moves the version of everything that an older one may still want to write. */
  stamp(): void {
    const { api } = this.#world;
    if (api.down) return;
    const { service, groups, nodes } = api.state;
    const next = <T extends { version: number }>(one: T): T => ({ ...one, version: one.version + 1 });
    const all = <T extends { version: number }>(list: Readonly<Record<string, T>>) =>
      Object.fromEntries(Object.entries(list).map(([name, one]) => [name, next(one)]));
    api.write({ ...api.state, service: next(service), groups: all(groups), nodes: all(nodes) });
  }

  run(order: Order): void {
    const { action } = order;
    this.#step(order, () => {
      if (!this.#claim(order)) return order.done();
      if (isOnlyWord(action)) return this.#finish(order);
      this.#step(order, () => this.#carryOut(order));
    });
  }

  #carryOut(order: Order): void {
    const { by, action } = order;
    if (!this.#act(order)) return void order.done();
    this.#step(order, () => {
      this.#record(order);
      this.#world.say(() => `${by.name} did: ${words(action)}`);
      if (action.kind === "validate") by.after(CHECK_MS, () => this.#checked(order, action.server));
      else this.#finish(order);
    });
  }

  /** The next step of one process, if it is still there. */
  #step({ by, readMs, done }: Order, then: () => void): void {
    this.onStep(by);
    by.after(this.#world.random.between(2, 30), () => {
      // A process that was stopped in between finds its order too old.
      if (this.#world.now - readMs > POLICY.staleAfterMs) done();
      else then();
    });
  }

  #finish(order: Order): void {
    // Without an answer nothing is known; the next look tells.
    order.by.after(this.losesAnswers ? 500 : 0, order.done);
  }

  /** The write to the ModelService. Actions that are only its status are done with it. */
  #claim(order: Order): boolean {
    const { action, by, state, look } = order;
    const { api } = this.#world;
    if (api.down || api.state.service.version !== state.service.version) return false;
    order.claimedMs = this.#world.now;
    const { service } = api.state;
    const { atMs } = by;
    const fault = look.crashes.get(groupOfAction(action, service.active, state) ?? "");
    const crashes =
      fault === undefined || service.crashes.some((one) => isSame(one, fault))
        ? service.crashes
        : [...service.crashes, fault];
    const version = service.version + 1;
    switch (action.kind) {
      case "set-active": {
        this.onEffect(order);
        const isFailover = action.why === "failover" || action.why === "adopt";
        const failoversMs = isFailover ? [...service.failoversMs, atMs] : service.failoversMs;
        const movedMs = action.group === service.active ? service.movedMs : atMs;
        const switchoverTo = action.group === service.switchoverTo ? null : service.switchoverTo;
        const { group: active, epoch } = action;
        api.write({
          ...api.state,
          service: { ...service, version, active, epoch, failoversMs, movedMs, crashes, switchoverTo },
        });
        this.#world.say(() => `${by.name} did: ${words(action)}`);
        return true;
      }
      case "quarantine": {
        this.onEffect(order);
        const bootId = look.bootIds.get(action.server) ?? null;
        const quarantine = { sinceMs: atMs, remedy: action.remedy, bootId };
        const servers = {
          ...service.servers,
          [action.server]: { ...(service.servers[action.server] as ServerRecord), quarantine },
        };
        api.write({ ...api.state, service: { ...service, version, crashes, servers } });
        this.#world.say(() => `${by.name} did: ${words(action)}`);
        return true;
      }
      case "start-group": {
        const old = state.groups[action.group]?.revision;
        const change = { group: action.group, atMs, what: `revision ${action.revision}` };
        const changes = old === action.revision ? service.changes : [...service.changes, change];
        api.write({ ...api.state, service: { ...service, version, crashes, changes } });
        return true;
      }
      default:
        api.write({ ...api.state, service: { ...service, version, crashes } });
        return true;
    }
  }

  /** The thing itself; false if its object moved or nobody answers. */
  #act(order: Order): boolean {
    const { action, by, state, look } = order;
    const { api } = this.#world;
    if (api.down) return false;
    if ("group" in action && api.state.groups[action.group]?.version !== state.groups[action.group]?.version)
      return false;
    if ("server" in action && api.state.nodes[action.server]?.version !== state.nodes[action.server]?.version)
      return false;
    if (!this.#isTaken(order)) return false;
    this.onEffect(order);
    const { atMs } = by;
    switch (action.kind) {
      case "stop-group": {
        const { restartsMs = [] } = state.groups[action.group] ?? {};
        const group = look.seen.groups.find(({ id }) => id === action.group);
        const verdict = group?.verdict;
        const isRestart = action.why === "fault" && (verdict?.remedy ?? "restart-group") === "restart-group";
        const restarts = isRestart ? [...restartsMs, atMs] : restartsMs;
        api.patchGroup(action.group, {
          replicas: 0,
          changedMs: atMs,
          stoppedMs: atMs,
          ready: false,
          restartsMs: restarts,
          ...(action.why === "fault" && group?.isRevisionToBlame ? { failedRevision: group.revision } : {}),
        });
        this.#lookAtGpus(action.group);
        return true;
      }
      case "start-group":
        api.patchGroup(action.group, { replicas: 1, changedMs: atMs, revision: action.revision, ready: false });
        return true;
      case "delete-pods":
        this.#cluster.removePods(action.group);
        this.#lookAtGpus(action.group);
        return true;
      case "power-off":
        this.#machines.askPowerOff(this.#world.server(action.server));
        return true;
      case "mark-out-of-service":
        api.patchNode(action.server, { outOfService: true });
        return true;
      case "treat":
        if (action.remedy === "failover-reboot") this.#machines.askBoot(this.#world.server(action.server), by.name);
        else this.#machines.askReset(this.#world.server(action.server));
        return true;
      case "validate":
        return true;
      case "return-server":
        api.patchNode(action.server, { outOfService: false });
        api.patchServer(action.server, CLEAN);
        return true;
      case "remove-member":
        api.patchNode(action.server, { group: null });
        return true;
      case "add-member":
        api.patchNode(action.server, { group: action.group, rank: freeRank(state, action.group) });
        return true;
      default:
        return true;
    }
  }

  /** Whoever is told to cut or give power answers. A BMC that does not is left alone for a while. */
  #isTaken(order: Order): boolean {
    const { action, by } = order;
    const isPower = action.kind === "power-off" || (action.kind === "treat" && action.remedy === "failover-reboot");
    if (!isPower) return true;
    const server = this.#world.server(action.server);
    if (server.bmc === "works" || (action.kind === "treat" && this.#world.flows(by.name, server))) return true;
    by.bmcFailedMs.set(server.name, this.#world.now);
    this.onRefused(order);
    return false;
  }

  #record({ action, by, look }: Order): void {
    const { api } = this.#world;
    const { atMs } = by;
    if (api.down) return;
    if (action.kind === "power-off") api.patchServer(action.server, { powerOffAskedMs: atMs });
    if (action.kind === "treat") {
      const bootId = look.bootIds.get(action.server) ?? null;
      const before = api.state.service.servers[action.server]?.treated ?? null;
      const tries = before?.remedy === action.remedy ? before.tries + 1 : 1;
      const treated = { remedy: action.remedy, atMs, bootId, tries };
      // No clock of ours says to another replica what came before: the kernel's own numbers do.
      const line = this.#world.server(action.server).lines.length;
      const isReset = action.remedy === "failover-reset";
      const change = { treated, validated: false, failedChecks: 0 };
      api.patchServer(action.server, isReset ? { ...change, lastReset: { atMs, bootId, line } } : change);
    }
  }

  /** The job that checks an idle server has ended. */
  #checked(order: Order, name: string): void {
    const { api } = this.#world;
    if (!api.down) {
      const isSound = this.#machines.isSound(this.#world.server(name));
      const { failedChecks = 0 } = api.state.service.servers[name] ?? {};
      this.#world.say(() => `${name} ${isSound ? "passed" : "failed"} its checks`);
      api.patchServer(name, isSound ? { validated: true } : { failedChecks: failedChecks + 1 });
    }
    this.#finish(order);
  }

  #lookAtGpus(group: string): void {
    for (const [name, node] of Object.entries(this.#world.api.state.nodes)) if (node.group === group) this.onLook(name);
  }

  /** An agent looks at its GPUs at intervals; a look is only an event where somebody waits for it. */
  onLook: (server: string) => void = () => {};
}

function isOnlyWord({ kind }: Action): boolean {
  return kind === "set-active" || kind === "quarantine";
}

function groupOfAction(action: Action, active: string, state: ApiState): string | null {
  if (action.kind === "set-active") return active;
  if ("group" in action) return action.group;
  return state.nodes[action.server]?.group ?? null;
}

function freeRank(state: ApiState, group: string): number {
  const taken = Object.values(state.nodes).flatMap((node) => (node.group === group ? [node.rank] : []));
  return [0, 1, 2, 3].find((rank) => !taken.includes(rank)) ?? 0;
}

export function words(action: Action): string {
  const { kind, ...rest } = action;
  return [kind, ...Object.values(rest)].join(" ");
}
