import { Kernel } from "../kernel.ts";
import { Random } from "../random.ts";
import { ApiServer as Api, type ApiServer, type ApiState } from "./api-server.ts";
import { Lease } from "./lease.ts";
import type { SimGroup, SimServer, WorldConfig } from "./types.ts";

export const GROUPS: Readonly<Record<string, readonly string[]>> = { a: ["gpu-a", "gpu-b"], b: ["gpu-c", "gpu-d"] };
const SPARE = "gpu-e";
/** All real durations are shorter here by about a factor of 30, and the policy's limits with them; their order is kept. */
export const LOAD_MS = 12_000;
export const BOOT_MS = 20_000;
export const GRACE_MS = 50_000;

export interface Breach {
  rule: string;
  atMs: number;
  text: string;
}

/** Who wants to know that something changed in the world. */
export interface Watcher {
  /** Truth: processes, power, links. */
  onTruth(): void;
  /** A server's flow of evidence may have begun or ended. */
  onFlow(server: SimServer): void;
  /** The API server took a write. */
  onApi(): void;
}

/** Everything that is so. Actors know only what they hear. */
export class World {
  readonly kernel = new Kernel();
  readonly random: Random;
  readonly config: WorldConfig;
  readonly servers = new Map<string, SimServer>();
  readonly groups = new Map<string, SimGroup>();
  readonly api: ApiServer;
  readonly lease = new Lease();
  readonly watchers: Watcher[] = [];
  /** Links that are down, by `observer server`. */
  readonly cut = new Set<string>();
  readonly breaches: Breach[] = [];
  /** Revisions whose engine crashes. */
  readonly badRevisions = new Set<string>();
  /** When each fault was put. */
  readonly faultsMs: number[] = [];
  /** The first group that a bad revision ended. */
  readonly crashedRevisions = new Map<string, string>();
  /** A request that ends engines is about. */
  isPoisoned = false;
  /** Lines for a reader; null while nobody reads. */
  readonly transcript: string[] | null;
  /** Grows with every change of the truth. */
  truth = 0;
  #pids = 100;

  constructor(seed: number, config: WorldConfig, isRead: boolean) {
    this.random = new Random(seed);
    this.config = config;
    this.transcript = isRead ? [] : null;
    const names = [...Object.values(GROUPS).flat(), ...(config.spare ? [SPARE] : [])];
    for (const name of names) this.servers.set(name, serverOf(name, config));
    for (const [id, members] of Object.entries(GROUPS)) this.groups.set(id, groupOf(id, members));
    this.api = new Api(
      stateOf(names),
      () => this.kernel.now,
      () => this.watchers.forEach((one) => void one.onApi()),
    );
  }

  get now(): number {
    return this.kernel.now;
  }

  pid(): number {
    this.#pids += 1;
    return this.#pids;
  }

  server(name: string): SimServer {
    return this.servers.get(name) as SimServer;
  }

  group(id: string): SimGroup {
    return this.groups.get(id) as SimGroup;
  }

  say(text: () => string): void {
    this.transcript?.push(`${(this.now / 1000).toFixed(3).padStart(8)}  ${text()}`);
  }

  breach(rule: string, text: string): void {
    this.breaches.push({ rule, atMs: this.now, text });
    this.say(() => `BREACH ${rule}: ${text}`);
  }

  changed(): void {
    this.truth += 1;
    for (const watcher of this.watchers) watcher.onTruth();
  }

  flowChanged(server: SimServer): void {
    for (const watcher of this.watchers) watcher.onFlow(server);
    this.changed();
  }

  isCut(observer: string, other: string): boolean {
    return this.cut.size > 0 && this.cut.has(`${observer} ${other}`);
  }

  /** A packet from `observer` reaches the kernel of the server. */
  reaches(observer: string, { power, net, name }: SimServer): boolean {
    return power && net && !this.isCut(observer, name);
  }

  /** Frames of the agent arrive at `observer`. */
  flows(observer: string, server: SimServer): boolean {
    return server.agent !== null && !server.frozen && this.reaches(observer, server);
  }

  /** The kubelet and the API server hear each other. */
  talks(server: SimServer): boolean {
    return !this.api.down && !server.frozen && this.reaches("api", server);
  }

  serves(id: string): boolean {
    return this.group(id).state === "serving";
  }
}

function serverOf(name: string, config: WorldConfig): SimServer {
  return {
    name,
    power: true,
    bootId: 1,
    bootedMs: -1_000_000,
    lines: [],
    oldLines: [],
    untold: [],
    frozen: false,
    net: true,
    ib: true,
    needs: null,
    isHidden: false,
    isHot: false,
    rank: null,
    agent: null,
    bmc: config.bmc ? "works" : "none",
    life: 0,
    faultMs: Number.NEGATIVE_INFINITY,
  };
}

function groupOf(id: string, members: readonly string[]): SimGroup {
  const times = { sinceMs: 0, readyMs: 0, lastServedMs: 0, servesSinceMs: 0 };
  return { id, size: members.length, start: 1, members, revision: "v1", state: "none", isStuck: false, ...times };
}

function stateOf(names: readonly string[]): ApiState {
  const groupOfServer = (name: string) => Object.entries(GROUPS).find(([, list]) => list.includes(name));
  const nodes = names.map((name) => {
    const [group = null, list = []] = groupOfServer(name) ?? [];
    const node = { version: 1, group, rank: Math.max(0, list.indexOf(name)), outOfService: false, cordoned: false };
    return [name, { ...node, ready: true }] as const;
  });
  const group = {
    version: 1,
    replicas: 1 as const,
    revision: "v1",
    failedRevision: null,
    servedRevision: "v1",
    restartsMs: [],
    changedMs: 0,
    stoppedMs: null,
    ready: true,
    readyChangedMs: 0,
  };
  const record = {
    quarantine: null,
    powerOffAskedMs: null,
    treated: null,
    lastReset: null,
    validated: false,
    failedChecks: 0,
  };
  return {
    service: {
      version: 1,
      epoch: 1,
      active: "a",
      paused: false,
      wantedRevision: "v1",
      switchoverTo: null,
      failoversMs: [],
      movedMs: null,
      servers: Object.fromEntries(names.map((name) => [name, record])),
      crashes: [],
      changes: [],
    },
    groups: Object.fromEntries(Object.keys(GROUPS).map((id) => [id, group])),
    nodes: Object.fromEntries(nodes),
    pods: [],
  };
}
