import type { Change, Crash } from "../../../src/health/follows.ts";
import type { Remedy } from "../../../src/health/remedy.ts";

/** The objects of the cluster that matter here. A state is never changed; a write makes a new one. */
export interface ApiState {
  service: ServiceObject;
  groups: Readonly<Record<string, GroupObject>>;
  nodes: Readonly<Record<string, NodeObject>>;
  pods: readonly Pod[];
}

/** `ModelService`: what persons want, and the status that reconcilers write. Times are of the writer's clock. */
export interface ServiceObject {
  version: number;
  epoch: number;
  active: string;
  paused: boolean;
  wantedRevision: string;
  switchoverTo: string | null;
  failoversMs: readonly number[];
  movedMs: number | null;
  servers: Readonly<Record<string, ServerRecord>>;
  crashes: readonly Crash[];
  changes: readonly Change[];
}

export interface ServerRecord {
  quarantine: { sinceMs: number; remedy: Remedy; bootId: string | null } | null;
  powerOffAskedMs: number | null;
  treated: { remedy: Remedy; atMs: number; bootId: string | null; tries: number } | null;
  /** Kept when the server returns: a reconciler that starts later reads the same kernel log. */
  lastReset: { atMs: number; bootId: string | null; line: number } | null;
  validated: boolean;
  failedChecks: number;
}

/** A LeaderWorkerSet with its annotations. `ready` is of the cluster, the rest of a reconciler. */
export interface GroupObject {
  version: number;
  replicas: 0 | 1;
  revision: string;
  failedRevision: string | null;
  /** With which it was ready last. */
  servedRevision: string | null;
  restartsMs: readonly number[];
  /** When replicas changed. */
  changedMs: number;
  /** The last planned stop. */
  stoppedMs: number | null;
  ready: boolean;
  readyChangedMs: number;
}

export interface NodeObject {
  version: number;
  /** The label `tandem.dev/group`. */
  group: string | null;
  rank: number;
  outOfService: boolean;
  cordoned: boolean;
  ready: boolean;
}

export interface Pod {
  uid: number;
  group: string;
  server: string;
  revision: string;
  terminating: boolean;
  /** Its container ended after it had started. */
  ended: boolean;
}

export type Written = "done" | "conflict" | "unavailable" | "unknown";

/** One copy of the truth with versions; who reads a cache sees an older state. */
export class ApiServer {
  state: ApiState;
  down = false;
  /** Grows with every write. */
  version = 0;
  readonly #now: () => number;
  readonly #onChange: () => void;
  #history: { atMs: number; state: ApiState }[];

  constructor(state: ApiState, now: () => number, onChange: () => void) {
    this.state = state;
    this.#now = now;
    this.#onChange = onChange;
    this.#history = [{ atMs: Number.NEGATIVE_INFINITY, state }];
  }

  write(state: ApiState): void {
    this.state = state;
    this.version += 1;
    if (this.#history.length > 400) this.#history = this.#history.slice(-200);
    this.#history.push({ atMs: this.#now(), state });
    this.#onChange();
  }

  /** What a watch that is late by so much has heard of. */
  asOf(atMs: number): ApiState {
    for (let at = this.#history.length - 1; at >= 0; at -= 1) {
      const entry = this.#history[at];
      if (entry !== undefined && entry.atMs <= atMs) return entry.state;
    }
    return (this.#history[0] as { state: ApiState }).state;
  }

  patchService(change: Partial<ServiceObject>): void {
    const { service } = this.state;
    this.write({ ...this.state, service: { ...service, ...change, version: service.version + 1 } });
  }

  patchServer(name: string, change: Partial<ServerRecord>): void {
    const { servers } = this.state.service;
    this.patchService({ servers: { ...servers, [name]: { ...(servers[name] as ServerRecord), ...change } } });
  }

  patchGroup(id: string, change: Partial<GroupObject>): void {
    const old = this.state.groups[id] as GroupObject;
    const groups = { ...this.state.groups, [id]: { ...old, ...change, version: old.version + 1 } };
    this.write({ ...this.state, groups });
  }

  patchNode(name: string, change: Partial<NodeObject>): void {
    const old = this.state.nodes[name] as NodeObject;
    this.write({
      ...this.state,
      nodes: { ...this.state.nodes, [name]: { ...old, ...change, version: old.version + 1 } },
    });
  }
}
