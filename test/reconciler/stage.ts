import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type Bmc, startBmc } from "../../src/emulator/bmc/redfish.ts";
import { kubeClient } from "../../src/kube/client.ts";
import type { LiveObject } from "../../src/kube/objects.ts";
import { modelService } from "../../src/manifests/model-service/model-service.ts";
import { MODEL_SERVICE, type ModelService, type ModelServiceSpec } from "../../src/manifests/model-service/resource.ts";
import { LWS_NAME_LABEL, LWS_WORKER_INDEX_LABEL } from "../../src/manifests/names.ts";
import { ReconcilerMetrics } from "../../src/reconciler/metrics.ts";
import { Reconciler } from "../../src/reconciler/reconciler.ts";
import { MemoryApi } from "../kube/memory-api.ts";
import { planned } from "../plan/good-spec.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { FakeServer } from "./fake-server.ts";

export const NAMESPACE = "tandem-prod";
export const paths = {
  service: `/apis/tandem.dev/v1alpha1/namespaces/${NAMESPACE}/modelservices/prod`,
  set: (id: string) => `/apis/leaderworkerset.x-k8s.io/v1/namespaces/${NAMESPACE}/leaderworkersets/sglang-${id}`,
  node: (name: string) => `/api/v1/nodes/${name}`,
  pods: `/api/v1/namespaces/${NAMESPACE}/pods`,
  active: `/api/v1/namespaces/${NAMESPACE}/services/active`,
};
/** Time a group takes to load, and a server to boot. */
const LOAD_MS = 300;
const BOOT_MS = 400;
const LEASE = { durationMs: 2_000, renewEveryMs: 400, marginMs: 500 };

export interface StageOptions {
  bmc?: boolean;
  spare?: boolean;
}

/** Two groups on an API server in memory, with the controllers, agents, engines, gateways and BMCs that the reconciler meets. */
export class Stage {
  readonly api: MemoryApi;
  readonly servers = new Map<string, FakeServer>();
  readonly gateways: FakeGateway[] = [];
  readonly #bmcs: Bmc[] = [];
  readonly #reconcilers = new Map<string, Reconciler>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #bmcFolder = mkdtempSync(join(tmpdir(), "bmc-"));
  #starts = 0;

  static async open({ bmc = true, spare = false }: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(await MemoryApi.start());
    const names = ["gpu-a", "gpu-b", "gpu-c", "gpu-d", ...(spare ? ["gpu-e"] : [])];
    for (const name of names) {
      const server = await FakeServer.start(name);
      stage.servers.set(name, server);
      if (bmc) await stage.#addBmc(server);
    }
    for (let at = 0; at < 2; at++) stage.gateways.push(await FakeGateway.start());
    for (const gateway of stage.gateways) gateway.servers = stage.servers;
    stage.#declare(names);
    return stage;
  }

  private constructor(api: MemoryApi) {
    this.api = api;
  }

  /** A replica of the reconciler; its name is that of its client at the API server. */
  reconciler(name = `r${++this.#starts}`, metrics = new ReconcilerMetrics()): Reconciler {
    // Two under one name would both hold the lease.
    if (this.#reconcilers.has(name)) throw new Error(`${name} runs already`);
    const reconciler = new Reconciler({
      client: kubeClient(this.api.kubeconfig(name)),
      namespace: NAMESPACE,
      name: "prod",
      identity: name,
      subscribe: (options) => (this.servers.get(options.server) as FakeServer).subscribe(options),
      agentToken: () => "agent",
      adminToken: () => "admin",
      bmcFolder: this.#bmcFolder,
      log: pino({ level: process.env.TANDEM_LOG_LEVEL ?? "silent" }),
      metrics,
      lease: LEASE,
    });
    this.#reconcilers.set(name, reconciler);
    reconciler.start();
    return reconciler;
  }

  /** As SIGKILL does: what it has sent is taken, and nothing after that. */
  kill(name: string): void {
    this.api.dead.add(name);
    void this.#reconcilers.get(name)?.stop();
    this.#reconcilers.delete(name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#reconcilers.values()].map((reconciler) => reconciler.stop()));
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.servers.values(), ...this.gateways, ...this.#bmcs].map((one) => one.close()));
    await this.api.close();
    rmSync(this.#bmcFolder, { recursive: true, force: true });
  }

  get service(): ModelService {
    return this.api.get(paths.service) as unknown as ModelService;
  }

  ask(spec: Partial<ModelServiceSpec>): void {
    const { generation = 0 } = this.service.metadata;
    this.api.change(paths.service, { spec, metadata: { generation: generation + 1 } });
  }

  /** Nobody hears it any more; the gateways leave its group as they do. */
  cutPower(name: string, moveTo: string | null): void {
    const lost = this.servers.get(name);
    for (const server of this.servers.values()) if (server.group === lost?.group) server.isStuck = true;
    lost?.lose();
    if (moveTo !== null)
      this.#later(100, () => {
        for (const gateway of this.gateways) gateway.moveTo(moveTo);
      });
  }

  startPower(name: string): void {
    this.#later(BOOT_MS, () => this.servers.get(name)?.boot());
  }

  condition(type: string): string | undefined {
    return this.service.status?.conditions.find((condition) => condition.type === type)?.status;
  }

  /** Waits until it is so; what it was instead is in the error. */
  async until(what: string, check: () => boolean, withinMs = 30_000): Promise<void> {
    for (const end = performance.now() + withinMs; !check(); await new Promise((resolve) => setTimeout(resolve, 25)))
      if (performance.now() > end) {
        const { decision, groups, servers } = this.service.status ?? {};
        throw new Error(`${what}: not after ${withinMs} ms; ${JSON.stringify({ decision, groups, servers }, null, 1)}`);
      }
  }

  #later(ms: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      what();
    }, ms);
    this.#timers.add(timer);
  }

  async #addBmc(server: FakeServer): Promise<void> {
    const { name } = server;
    const password = `secret of ${name}`;
    const power = {
      state: async () => (server.isOn ? ("On" as const) : ("Off" as const)),
      on: async () => this.#later(BOOT_MS, () => server.boot()),
      off: async () => server.lose(),
    };
    const bmc = await startBmc({ host: "127.0.0.1", port: 0, user: "root", password, server: name, power });
    this.#bmcs.push(bmc);
    server.bmc = bmc.url;
    writeFileSync(join(this.#bmcFolder, `${name}.user`), "root\n");
    writeFileSync(join(this.#bmcFolder, `${name}.password`), `${password}\n`);
  }

  #declare(names: string[]): void {
    const { spec } = modelService(planned());
    const servers = Object.fromEntries(
      names.map((name) => {
        const server = this.servers.get(name) as FakeServer;
        const bmc = server.bmc === undefined ? {} : { bmc: { url: server.bmc } };
        return [name, { address: "127.0.0.1", agent: `http://${name}`, engine: server.engine, ...bmc }];
      }),
    );
    const gateways = this.gateways.map(({ url }) => url);
    for (const name of names) {
      this.api.put(paths.node(name), {
        kind: "Node",
        metadata: { labels: { "kubernetes.io/hostname": name, ...labelOf(name) } },
        spec: {},
        status: { conditions: [{ type: "Ready", status: "True" }] },
      });
    }
    this.api.put(paths.active, { kind: "Service", metadata: {}, spec: { selector: { "tandem.dev/group": "a" } } });
    this.api.put(paths.service, {
      ...MODEL_SERVICE,
      metadata: { namespace: NAMESPACE, generation: 1 },
      spec: { ...spec, servers, gateways },
    });
    this.api.onChange = (path, object) => this.#control(path, object);
  }

  /** What LeaderWorkerSet, kubelet and the engines do. */
  #control(path: string, object: LiveObject | null): void {
    if (path.includes("/leaderworkersets/") && object !== null) this.#later(20, () => this.#scale(object));
    if (path.startsWith(paths.pods) && object?.metadata.deletionTimestamp !== undefined) {
      const server = this.servers.get(nodeOf(object));
      // On a lost server nobody confirms that a pod is gone.
      this.#later(
        50,
        () => server?.isOn && this.api.get(path)?.metadata.uid === object.metadata.uid && this.api.drop(path),
      );
    }
    if (path.startsWith(paths.pods) && object === null) {
      const set = path.slice(path.lastIndexOf("/") + 1).slice(0, "sglang-a".length);
      for (const server of this.servers.values()) if (server.group === set.at(-1)) server.stopRanks();
      const owner = this.api.get(paths.set(set.at(-1) ?? ""));
      if (owner !== undefined) this.#later(20, () => this.#scale(owner));
    }
  }

  #scale(read: LiveObject): void {
    const id = read.metadata.name.at(-1) ?? "";
    const set = this.api.get(paths.set(id));
    const pods = this.api
      .list(paths.pods)
      .filter(({ metadata }) => metadata.labels?.[LWS_NAME_LABEL] === read.metadata.name);
    if (set === undefined) return;
    if ((set.spec as { replicas: number }).replicas === 0) {
      for (const { metadata } of pods)
        if (metadata.deletionTimestamp === undefined)
          this.api.change(`${paths.pods}/${metadata.name}`, {
            metadata: { deletionTimestamp: new Date().toISOString(), deletionGracePeriodSeconds: 150 },
          });
      return;
    }
    if (pods.length > 0) return;
    const members = this.api
      .list("/api/v1/nodes")
      .filter(({ metadata }) => metadata.labels?.["tandem.dev/group"] === id);
    if (members.length < 2) return;
    members.slice(0, 2).forEach(({ metadata }, index) => {
      const server = this.servers.get(metadata.name) as FakeServer;
      this.api.put(`${paths.pods}/${set.metadata.name}-0${index === 0 ? "" : `-${index}`}`, {
        kind: "Pod",
        metadata: { labels: { [LWS_NAME_LABEL]: set.metadata.name, [LWS_WORKER_INDEX_LABEL]: String(index) } },
        spec: { nodeName: metadata.name },
        status: {},
      });
      if (server.isOn) server.startRanks(id, index);
    });
    this.#later(LOAD_MS, () => {
      for (const { metadata } of this.api.list(paths.pods)) {
        const mine =
          metadata.labels?.[LWS_NAME_LABEL] === set.metadata.name && metadata.deletionTimestamp === undefined;
        if (mine && members.every(({ metadata: { name } }) => this.servers.get(name)?.isOn))
          this.api.change(`${paths.pods}/${metadata.name}`, {
            status: { conditions: [{ type: "Ready", status: "True" }] },
          });
      }
    });
  }
}

const nodeOf = ({ spec }: LiveObject): string => (spec as { nodeName: string }).nodeName;

function labelOf(name: string): Record<string, string> {
  const group = { "gpu-a": "a", "gpu-b": "a", "gpu-c": "b", "gpu-d": "b" }[name];
  return group === undefined ? {} : { "tandem.dev/group": group };
}
