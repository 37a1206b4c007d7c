import { once } from "node:events";
import { monotonicMs } from "../../src/drill/clock.ts";
import { startAgent } from "../../src/drill/world/agent-process.ts";
import type { EmulatedServer } from "../../src/drill/world/emulated-server.ts";
import type { GatewayProcess } from "../../src/drill/world/gateway-process.ts";
import { World, type WorldGroup } from "../../src/drill/world/world.ts";
import type { Outlook } from "../../src/failover/readiness/signs.ts";
import { hearBeat, hearConnection, hearEvidence, hearHello } from "../../src/health/hear.ts";
import { type ServerEvidence, unheard } from "../../src/health/server-evidence.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import type { ModelService, TakeoverStatus } from "../../src/manifests/model-service/resource.ts";
import { GROUP_LABEL, LWS_NAME_LABEL, LWS_WORKER_INDEX_LABEL } from "../../src/manifests/names.ts";
import type { ClusterSnapshot } from "../../src/reconciler/cluster.ts";
import { Gateways } from "../../src/reconciler/gateways.ts";
import { ClockOffsets } from "../../src/reconciler/readiness/clock-offsets.ts";
import { factsOf } from "../../src/reconciler/readiness/facts-of.ts";
import { ReadinessProber } from "../../src/reconciler/readiness/prober.ts";
import type { Schedule } from "../../src/reconciler/readiness/schedule.ts";
import { subscribe } from "../../src/stream/subscribe.ts";
import type { Subscription } from "../../src/stream/subscription.ts";
import { localPlan } from "../support/rehearsal-session.ts";

export const DIGEST = `sha256:${"a".repeat(64)}`;

/** The production schedule four times as fast; `AGENTS` is the same for the agents. */
export const FAST: Partial<Schedule> = {
  look: 250,
  info: 2_000,
  activeInfo: 15_000,
  answers: 3_000,
  again: 1_000,
  settle: 0,
  shortTimeout: 5_000,
};
export const AGENTS = { AGENT_GPU_EVERY_MS: "1000", AGENT_STORAGE_EVERY_MS: "500" };

export interface ReadinessWorldOptions {
  schedule?: Partial<Schedule>;
  agents?: Record<string, string>;
  engineKey?: string | null;
  /** What happens to the active group is not told to the prober, as before it looked out for that. */
  deaf?: boolean;
}

/**
 * Two groups of real emulated engines with real agents, and a prober that hears them as the reconciler does. Pods, which only
 * Kubernetes has, are objects as its API gives them.
 */
export class ReadinessWorld {
  readonly world: World;
  readonly prober: ReadinessProber;
  readonly errors: unknown[] = [];
  readonly told: TakeoverStatus[] = [];
  readonly pods: LiveObject[] = [];
  /** Why proofs were ended, and when. */
  readonly yields: { reason: string; atMs: number }[] = [];
  active = "a";
  readonly #options: ReadinessWorldOptions;
  readonly #evidence = new Map<string, ServerEvidence>();
  readonly #offsets = new ClockOffsets();
  readonly #subscriptions: Subscription[] = [];
  readonly #changes = new EventTarget();
  #gateway: GatewayProcess | null = null;
  readonly #gateways = new Gateways(
    () => this.#gateway?.admin.token ?? "",
    () => this.#hearGateways(),
  );

  private constructor(world: World, options: ReadinessWorldOptions) {
    this.world = world;
    this.#options = options;
    for (const group of world.groups)
      group.servers.forEach((server, index) => {
        this.pods.push(podOf(group, server, index));
      });
    this.prober = new ReadinessProber({
      facts: () =>
        factsOf({
          cluster: this.#snapshot(),
          evidence: this.#evidence,
          offsets: this.#offsets,
          active: this.active,
          atMs: performance.now(),
        }),
      engineKey: options.engineKey ?? null,
      ...(options.deaf === true ? {} : { outlook: () => this.#outlook() }),
      onYield: (reason) => this.yields.push({ reason, atMs: monotonicMs() }),
      onChange: (status) => {
        this.told.push(status);
        this.#changes.dispatchEvent(new Event("change"));
      },
      onError: (error) => this.errors.push(error),
      longestStepMs: 5_000,
      ...(options.schedule === undefined ? {} : { schedule: options.schedule }),
    });
  }

  static async start(options: ReadinessWorldOptions = { schedule: FAST, agents: AGENTS }): Promise<ReadinessWorld> {
    const world = await World.create({ plan: localPlan("deepseek-v3") });
    const ready = new ReadinessWorld(world, options);
    try {
      await Promise.all(world.servers.map((server) => ready.startAgent(server)));
      await Promise.all(world.groups.map((group) => world.startGroup(group)));
      for (const server of world.servers) ready.#subscribe(server);
      ready.prober.start();
      return ready;
    } catch (error) {
      await ready.close();
      throw error;
    }
  }

  get standby(): WorldGroup {
    return this.world.groups.find(({ id }) => id !== this.active) as WorldGroup;
  }

  /** Starts the agent of a server, in place of one that runs. */
  async startAgent(
    server: EmulatedServer,
    env: Record<string, string> = {},
    token = this.world.agentToken,
  ): Promise<void> {
    await server.agent?.kill();
    const child = await this.world.kept(startAgent(server, token, { ...this.#options.agents, ...env }));
    await child.printed("listening");
  }

  /** Ends the standby's engines and starts them anew; the workers' and the leader's command line get `moreArgs`. */
  async restartStandby(moreArgs: readonly string[] = []): Promise<void> {
    const { servers } = this.standby;
    await Promise.all(servers.map((server) => server.engine?.kill()));
    for (const server of servers) await this.world.kept(server.startEngine(moreArgs));
    await Promise.all(servers.map((server) => server.engineReady()));
  }

  /** Resolves with the first status, from now on, that passes; throws with the last one after `withinMs`. */
  async until(passes: (status: TakeoverStatus) => boolean, withinMs: number): Promise<TakeoverStatus> {
    const signal = AbortSignal.timeout(withinMs);
    for (;;) {
      const status = this.prober.latest();
      if (passes(status)) return status;
      await once(this.#changes, "change", { signal }).catch(() => {
        throw new Error(`not within ${withinMs} ms: ${JSON.stringify(this.prober.latest(), null, 1)}`);
      });
    }
  }

  /** A gateway that sends requests to the active group, heard as by the reconciler. */
  async startGateway(): Promise<GatewayProcess> {
    const gateway = await this.world.startGateway(this.active);
    this.#gateway = gateway;
    this.#gateways.follow([gateway.admin.url]);
    return gateway;
  }

  async close(): Promise<void> {
    this.#gateways.close();
    for (const subscription of this.#subscriptions) subscription.close();
    await this.prober.close();
    await this.world.close();
  }

  #subscribe({ name, place }: EmulatedServer): void {
    const hear = (change: (known: ServerEvidence) => ServerEvidence) => {
      this.#evidence.set(name, change(this.#evidence.get(name) ?? unheard(name)));
    };
    const heed = () => this.prober.heed();
    this.#subscriptions.push(
      subscribe({
        server: name,
        url: `http://127.0.0.1:${place.reachedAt.agent}`,
        token: this.world.agentToken,
        onFrame: (frame, atMs) => {
          this.#offsets.hear(name, frame, Date.now());
          if (frame.type === "hello") hear((known) => hearHello(known, frame, atMs));
          else if (frame.type === "beat") hear((known) => hearBeat(known, frame, atMs));
          else hear((known) => hearEvidence(known, frame, atMs));
          if (frame.type !== "beat") heed();
        },
        onConnection: (state, reason, atMs) => {
          hear((known) => hearConnection(known, state, reason, atMs));
          heed();
        },
      }),
    );
  }

  #outlook(): Outlook {
    const gateways = this.#gateways.reports(performance.now());
    const group = this.world.groups.find(({ id }) => id === this.active);
    const names = (group?.servers ?? []).map(({ name }) => name);
    return {
      active: this.active,
      epoch: Math.max(0, ...gateways.map(({ epoch }) => epoch)),
      gateways,
      servers: names.map((name) => this.#evidence.get(name) ?? unheard(name)),
      neighbours: [...this.#evidence.values()].filter(({ server }) => !names.includes(server)),
    };
  }

  /** The reconciler's word follows the gateways. */
  #hearGateways(): void {
    this.prober.heed();
    const [first] = this.#gateways.reports(performance.now());
    this.active = first?.group ?? this.active;
  }

  #snapshot(): ClusterSnapshot {
    const { groups, servers } = this.world;
    const url = (port: number) => `http://127.0.0.1:${port}`;
    const service = {
      apiVersion: "tandem.dev/v1alpha1",
      kind: "ModelService",
      metadata: { name: "x" },
      spec: {
        model: "deepseek-v3",
        revision: "r1",
        template: {},
        groups: groups.map(({ id, servers: members }) => ({
          id,
          size: members.length,
          workload: `engine-${id}`,
          servers: members.map(({ name }) => name),
        })),
        initialActive: "a",
        servers: Object.fromEntries(
          servers.map(({ name, place }) => [
            name,
            { address: "127.0.0.1", agent: url(place.reachedAt.agent), engine: url(place.reachedAt.http) },
          ]),
        ),
        gateways: [],
        failover: { mode: "automatic", maxPerHour: 2, startWithinMs: 60_000, longestStepMs: 5_000, xids: {} },
      },
    } as unknown as ModelService;
    const nodes = servers.map(({ name, place }): [string, LiveObject] => [
      name,
      { apiVersion: "v1", kind: "Node", metadata: { name, labels: { [GROUP_LABEL]: place.group } } },
    ]);
    const sets = groups.map(({ id }): [string, LiveObject] => [
      `engine-${id}`,
      { apiVersion: "x", kind: "LeaderWorkerSet", metadata: { name: `engine-${id}` }, spec: { replicas: 1 } },
    ]);
    const atMs = performance.now();
    return { atMs, service, nodes: new Map(nodes), sets: new Map(sets), pods: this.pods, drills: [] };
  }
}

function podOf({ id }: WorldGroup, { name }: EmulatedServer, index: number): LiveObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: index === 0 ? `engine-${id}-0` : `engine-${id}-0-${index}`,
      uid: `uid-${name}`,
      labels: { [LWS_NAME_LABEL]: `engine-${id}`, [LWS_WORKER_INDEX_LABEL]: String(index) },
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: {
      nodeName: name,
      containers: [
        { name: "sglang", image: `lmsysorg/sglang:v0.5.23@${DIGEST}`, args: ["-m", "sglang.launch_server"] },
      ],
    },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [{ name: "sglang", imageID: `lmsysorg/sglang@${DIGEST}` }],
    },
  };
}
