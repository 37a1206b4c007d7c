import type { Engines } from "./engine.ts";
import type { SimGroup, SimServer } from "./types.ts";
import { GRACE_MS, type World } from "./world.ts";

/**
 * LeaderWorkerSet, kubelets and the node controller, as measured on a real cluster: a rank that exits recreates the whole
 * group; pods of a lost machine stay Terminating until they are force-deleted, its node is out of service, or it is back.
 */
export class Cluster {
  readonly #world: World;
  readonly #engines: () => Engines;
  readonly #dirty = new Set<string>();
  readonly #ending = new Set<number>();
  readonly #probes = new Map<string, number>();
  #uid = 0;
  /** Told when the processes of a new start are about to be made. */
  onStart: (group: SimGroup, servers: readonly SimServer[]) => void = () => {};

  constructor(world: World, engines: () => Engines) {
    this.#world = world;
    this.#engines = engines;
  }

  /** Looks at a group soon: controllers and kubelets need a moment. */
  touch(id: string, ms = this.#world.random.between(40, 250)): void {
    if (this.#dirty.has(id)) return;
    this.#dirty.add(id);
    this.#world.kernel.after(ms, () => {
      this.#dirty.delete(id);
      this.#sync(id);
    });
  }

  touchAll(): void {
    for (const id of this.#world.groups.keys()) this.touch(id);
  }

  /** A container ended: the kubelet tells, and LeaderWorkerSet ends the whole group. */
  exited(server: SimServer, uid: number): void {
    const pod = this.#world.api.state.pods.find((one) => one.uid === uid);
    if (pod === undefined || pod.terminating || this.#ending.has(uid)) return;
    this.#world.kernel.after(this.#world.random.between(300, 1_200), () => this.#tellExit(server, uid));
  }

  #tellExit(server: SimServer, uid: number): void {
    const { api } = this.#world;
    const pod = api.state.pods.find((one) => one.uid === uid);
    if (pod === undefined || pod.ended || pod.terminating) return;
    if (!server.power || server.rank?.pod === uid) return;
    if (!this.#world.talks(server)) return void this.#world.kernel.after(1_000, () => this.#tellExit(server, uid));
    this.#patchPods((one) => (one.uid === uid ? { ...one, ended: true } : one));
    this.touch(pod.group);
  }

  /** The machine came back or went: its node's condition follows after the grace period. */
  linkChanged(server: SimServer): void {
    const world = this.#world;
    this.touchAll();
    const talks = world.talks(server);
    const { life } = server;
    world.kernel.after(talks ? world.random.between(800, 4_000) : GRACE_MS, () => {
      if (world.talks(server) !== talks || world.api.down || (talks && server.life !== life)) return;
      if (world.api.state.nodes[server.name]?.ready !== talks) world.api.patchNode(server.name, { ready: talks });
      this.touchAll();
      for (const group of world.groups.values()) this.#probe(group, 500);
    });
  }

  /** A machine that booted runs none of its containers: that is a restart to LeaderWorkerSet. */
  booted(server: SimServer): void {
    for (const { uid, server: name } of this.#world.api.state.pods)
      if (name === server.name) this.#tellExit(server, uid);
    this.linkChanged(server);
  }

  serviceChanged(group: SimGroup): void {
    const leader = this.#world.servers.get(group.members[0] ?? "");
    // A hung leader answers its probe late; one that is gone is noticed at once.
    const isHeard = leader !== undefined && this.#world.talks(leader);
    const ms = group.state === "serving" ? 1_000 : !isHeard ? GRACE_MS : group.state === "hung" ? 20_000 : 1_000;
    this.#probe(group, ms);
  }

  #probe(group: SimGroup, ms: number): void {
    const turn = (this.#probes.get(group.id) ?? 0) + 1;
    this.#probes.set(group.id, turn);
    const { api, kernel } = this.#world;
    kernel.after(ms, () => {
      if (this.#probes.get(group.id) !== turn) return;
      if (api.down) return this.#probe(group, 1_000);
      const old = api.state.groups[group.id];
      const allReady = group.members.every((name) => api.state.nodes[name]?.ready === true);
      const ready = group.state === "serving" && allReady && old?.replicas === 1;
      if (old === undefined || old.ready === ready) return;
      const servedRevision = ready ? old.revision : old.servedRevision;
      api.patchGroup(group.id, { ready, readyChangedMs: kernel.now, servedRevision });
    });
  }

  #sync(id: string): void {
    const world = this.#world;
    const { api } = world;
    if (api.down) return void this.touch(id, 1_000);
    const wanted = api.state.groups[id];
    if (wanted === undefined) return;
    const mine = () => api.state.pods.filter(({ group }) => group === id);
    if (mine().some(({ terminating }) => !terminating) && (wanted.replicas === 0 || mine().some(({ ended }) => ended)))
      this.#patchPods((pod) => (pod.group === id ? { ...pod, terminating: true } : pod));
    for (const pod of mine()) {
      const server = world.server(pod.server);
      if (pod.terminating) this.#terminate(pod.uid, server);
      else if (server.rank?.pod !== pod.uid && !pod.ended) this.#startLater(pod.uid, server, id);
    }
    for (const server of world.servers.values()) this.#endOrphan(server);
    if (wanted.replicas === 0) {
      if (wanted.ready) this.#probe(world.group(id), 200);
    } else if (mine().length === 0) this.#create(id, wanted.revision);
    if (mine().some(({ terminating, server }) => terminating || world.server(server).rank === null))
      this.touch(id, 1_000);
  }

  #terminate(uid: number, server: SimServer): void {
    const world = this.#world;
    const { api } = world;
    const gone = () => this.#removePod(uid);
    if (!world.talks(server)) {
      if (api.state.nodes[server.name]?.outOfService) gone();
      return;
    }
    if (this.#ending.has(uid)) return;
    this.#ending.add(uid);
    world.kernel.after(world.random.between(300, 1_500), () => {
      this.#ending.delete(uid);
      if (!world.talks(server)) return;
      if (server.rank?.pod === uid) this.#engines().end(server);
      gone();
    });
  }

  /** A process whose pod is no more: the kubelet ends it when it hears of it. */
  #endOrphan(server: SimServer): void {
    const world = this.#world;
    const uid = server.rank?.pod;
    if (uid === undefined || this.#ending.has(uid) || !world.talks(server)) return;
    if (world.api.state.pods.some((pod) => pod.uid === uid)) return;
    this.#ending.add(uid);
    world.kernel.after(world.random.between(500, 1_500), () => {
      this.#ending.delete(uid);
      if (world.talks(server) && server.rank?.pod === uid) this.#engines().end(server);
      this.touchAll();
    });
  }

  #create(id: string, revision: string): void {
    const world = this.#world;
    const { nodes } = world.api.state;
    const free = Object.entries(nodes)
      .filter(([, node]) => node.group === id && node.ready && !node.outOfService && !node.cordoned)
      .sort(([, a], [, b]) => a.rank - b.rank);
    const group = world.group(id);
    if (free.length < group.size) return void this.touch(id, 2_000);
    const names = free.slice(0, group.size).map(([name]) => name);
    group.start += 1;
    group.members = names;
    group.revision = revision;
    group.isStuck = false;
    group.readyMs = Number.POSITIVE_INFINITY;
    world.say(() => `group ${id} gets new pods on ${names.join(", ")} (${revision})`);
    this.onStart(
      group,
      names.map((name) => world.server(name)),
    );
    const pods = names.map((server) => {
      this.#uid += 1;
      return { uid: this.#uid, group: id, server, revision, terminating: false, ended: false };
    });
    world.api.write({ ...world.api.state, pods: [...world.api.state.pods, ...pods] });
  }

  #startLater(uid: number, server: SimServer, id: string): void {
    const world = this.#world;
    if (this.#ending.has(uid)) return;
    this.#ending.add(uid);
    const { start } = world.group(id);
    world.kernel.after(world.random.between(400, 1_500), () => {
      this.#ending.delete(uid);
      const pod = world.api.state.pods.find((one) => one.uid === uid);
      const group = world.group(id);
      if (pod === undefined || pod.terminating || group.start !== start || !server.power || server.frozen) return;
      if (!server.net || server.rank?.pod === uid) return this.touch(id, 1_000);
      // An old process holds the ports.
      if (server.rank !== null) return this.touch(id, 1_000);
      this.#engines().startRank(server, group, uid);
    });
  }

  removePods(id: string): void {
    this.#patchPods((pod) => (pod.group === id ? null : pod));
    this.touchAll();
  }

  #removePod(uid: number): void {
    this.#patchPods((pod) => (pod.uid === uid ? null : pod));
    this.touchAll();
  }

  #patchPods(
    change: (pod: World["api"]["state"]["pods"][number]) => World["api"]["state"]["pods"][number] | null,
  ): void {
    const { api } = this.#world;
    api.write({ ...api.state, pods: api.state.pods.flatMap((pod) => change(pod) ?? []) });
  }

  /** The state at the beginning: everything runs and serves. */
  begin(): void {
    const world = this.#world;
    for (const group of world.groups.values()) {
      const pods = group.members.map((server) => {
        this.#uid += 1;
        const rank = {
          group: group.id,
          start: 1,
          pid: world.pid(),
          number: group.members.indexOf(server),
          isStopped: false,
          startedMs: -60_000,
          pod: this.#uid,
        };
        world.server(server).rank = rank;
        return { uid: this.#uid, group: group.id, server, revision: "v1", terminating: false, ended: false };
      });
      world.api.write({ ...world.api.state, pods: [...world.api.state.pods, ...pods] });
      group.state = "serving";
    }
  }
}
