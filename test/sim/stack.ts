import { Effects } from "./actors/effects.ts";
import { type OnChoice, SimGateway } from "./actors/gateway.ts";
import { membersOf } from "./actors/observe.ts";
import { type ReconcilerHooks, SimReconciler } from "./actors/reconciler.ts";
import { Agents } from "./world/agent.ts";
import { Cluster } from "./world/cluster.ts";
import { Engines } from "./world/engine.ts";
import { Machines } from "./world/machines.ts";
import type { WorldConfig } from "./world/types.ts";
import { World } from "./world/world.ts";

/** One world with everything in it: agents, engines, cluster, two gateways, two reconcilers. */
export interface Stack {
  world: World;
  agents: Agents;
  engines: Engines;
  cluster: Cluster;
  machines: Machines;
  effects: Effects;
  gateways: readonly SimGateway[];
  reconcilers: readonly SimReconciler[];
}

export interface StackHooks extends ReconcilerHooks {
  onChoice: OnChoice;
}

/** Agents look at their GPUs this often; here only where somebody waits for a look. */
const LOOK_MS = 4_000;
/** The cluster's word reaches a gateway by its watch. */
const WORD_MS = 30;

export function buildStack(seed: number, config: WorldConfig, hooks: StackHooks, isRead: boolean): Stack {
  const world = new World(seed, config, isRead);
  const listeners: (SimGateway | SimReconciler)[] = [];
  const agents = new Agents(world, (server, frame) => {
    for (const listener of listeners) listener.hear(server, frame);
  });
  const cluster = new Cluster(world, () => engines);
  const engines: Engines = new Engines(world, agents, {
    onExit: (server, pod) => cluster.exited(server, pod),
    onService: (group) => cluster.serviceChanged(group),
  });
  const machines = new Machines(world, agents, engines, cluster);
  const effects = new Effects(world, machines, cluster);
  effects.onLook = (name) => agents.lookSoon(world.server(name));
  const gateways = [0, 1].map((n) => new SimGateway(`gateway-${n}`, world, hooks.onChoice));
  const reconcilers = config.skewMs.map(
    (skewMs, n) => new SimReconciler(`reconciler-${n}`, world, gateways, effects, hooks, skewMs),
  );
  listeners.push(...gateways, ...reconcilers);
  world.watchers.push(...gateways.map((one) => gatewayWatcher(one, world)));
  world.watchers.push(...reconcilers);
  world.watchers.push({ onTruth() {}, onFlow() {}, onApi: () => cluster.touchAll() });

  cluster.begin();
  for (const server of world.servers.values()) agents.start(server);
  for (const gateway of gateways) gateway.begin("a", 1);
  for (const reconciler of reconcilers) reconciler.begin();
  lookAtIsolated(world, agents, reconcilers);
  return { world, agents, engines, cluster, machines, effects, gateways, reconcilers };
}

function gatewayWatcher(gateway: SimGateway, world: World) {
  let told = 1;
  let { nodes: heard } = world.api.state;
  const tell = () => {
    // A watch ends with an outage of the API server and begins anew after it.
    if (world.api.down) return;
    const { service, nodes } = world.api.state;
    const { active, epoch } = service;
    if (epoch <= told && nodes === heard) return;
    told = epoch;
    heard = nodes;
    const members = membersByGroup(world);
    gateway.after(WORD_MS * world.random.between(0.2, 3), () => gateway.told(active, epoch, members));
  };
  return {
    onTruth: () => gateway.onTruth(),
    onFlow: (server: Parameters<SimGateway["onFlow"]>[0]) => gateway.onFlow(server),
    onApi: tell,
  };
}

/** What a gateway is told of the members of groups. */
export function membersByGroup({ api, groups }: World): Record<string, readonly string[]> {
  return Object.fromEntries([...groups.keys()].map((id) => [id, membersOf(api.state, id)]));
}

function lookAtIsolated(world: World, agents: Agents, reconcilers: readonly SimReconciler[]): void {
  world.kernel.after(LOOK_MS, () => {
    for (const server of world.servers.values())
      if (reconcilers.some((one) => one.awaitsLook(server.name))) agents.lookSoon(server);
    lookAtIsolated(world, agents, reconcilers);
  });
}
