import type { KubeClient } from "../kube/client.ts";
import { type Collection, collection } from "../kube/collection.ts";
import type { LiveObject } from "../kube/objects.ts";
import { DRILL_STATE, type Drill } from "../manifests/drill/resource.ts";
import type { ModelService } from "../manifests/model-service/resource.ts";
import { GROUP_LABEL, LWS_NAME_LABEL } from "../manifests/names.ts";

/** What one ModelService is in the cluster, read at one moment (of this process's monotonic clock). */
export interface ClusterSnapshot {
  atMs: number;
  service: ModelService;
  /** The servers that have joined, by name. */
  nodes: ReadonlyMap<string, LiveObject>;
  /** LeaderWorkerSets by name. */
  sets: ReadonlyMap<string, LiveObject>;
  /** Of all groups. */
  pods: readonly LiveObject[];
  /** Drills that run, and records of failovers that are not complete; as the watch knows them. */
  drills: readonly Drill[];
}

export interface ClusterOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  signal: AbortSignal;
  onChange(): void;
  onProblem(error: unknown): void;
}

/** Follows the ModelService and what belongs to it: five watches whatever the size of the cluster. */
export class Cluster {
  readonly paths: ReturnType<typeof pathsOf>;
  readonly #options: ClusterOptions;
  readonly #service: Collection;
  readonly #drills: Collection;
  /** Of the servers and groups that the spec names; made anew when those change. */
  #parts: { key: string; nodes: Collection; sets: Collection; pods: Collection; end: AbortController } | null = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.paths = pathsOf(options.namespace, options.name);
    this.#service = this.#collect(this.paths.services, { fieldSelector: `metadata.name=${options.name}` });
    this.#drills = this.#collect(this.paths.drills, { labelSelector: `${DRILL_STATE} in (running,ending)` });
  }

  /** As the watches know it; null until each has listed once, or without a ModelService. */
  known(atMs: number): ClusterSnapshot | null {
    const service = serviceIn(this.#service.items());
    if (service === null) return null;
    const { nodes, sets, pods } = this.#partsOf(service);
    const [foundNodes, foundSets, foundPods] = [nodes.items(), sets.items(), pods.items()];
    if (foundNodes === null || foundSets === null || foundPods === null) return null;
    return this.#snapshot(atMs, service, foundNodes, foundSets, foundPods);
  }

  /** Read anew from the API server: four requests. What is acted on was read so. */
  async read(): Promise<ClusterSnapshot | null> {
    const atMs = performance.now();
    const service = serviceIn(await this.#service.read());
    if (service === null) return null;
    const { nodes, sets, pods } = this.#partsOf(service);
    const [foundNodes, foundSets, foundPods] = await Promise.all([nodes.read(), sets.read(), pods.read()]);
    return this.#snapshot(atMs, service, foundNodes, foundSets, foundPods);
  }

  #snapshot(...[atMs, service, nodes, sets, pods]: Parameters<typeof snapshot>): ClusterSnapshot {
    // Records explain, and decide nothing: a cluster that does not know them yet serves all the same.
    const drills = (this.#drills.items() ?? []) as unknown as readonly Drill[];
    const ours = drills.filter(({ spec }) => spec.service === service.metadata.name);
    return { ...snapshot(atMs, service, nodes, sets, pods), drills: ours };
  }

  /** Takes the ModelService as a write of our own left it. */
  keepService(written: LiveObject): void {
    this.#service.keep(written);
  }

  #partsOf({ spec }: ModelService) {
    const servers = Object.keys(spec.servers).sort();
    const workloads = spec.groups.map(({ workload }) => workload).sort();
    const key = JSON.stringify([servers, spec.groups.map(({ id, workload }) => [id, workload])]);
    if (this.#parts?.key === key) return this.#parts;
    this.#parts?.end.abort();
    const end = new AbortController();
    const { paths } = this;
    const signal = AbortSignal.any([end.signal, this.#options.signal]);
    const groups = spec.groups.map(({ id }) => id).sort();
    this.#parts = {
      key,
      end,
      nodes: this.#collect(paths.nodes, { labelSelector: `kubernetes.io/hostname in (${servers.join(",")})` }, signal),
      sets: this.#collect(paths.sets, { labelSelector: `${GROUP_LABEL} in (${groups.join(",")})` }, signal),
      pods: this.#collect(paths.pods, { labelSelector: `${LWS_NAME_LABEL} in (${workloads.join(",")})` }, signal),
    };
    return this.#parts;
  }

  #collect(path: string, selector: { labelSelector?: string; fieldSelector?: string }, signal?: AbortSignal) {
    const { client, onChange, onProblem } = this.#options;
    return collection({ client, path, selector, signal: signal ?? this.#options.signal, onChange, onProblem });
  }
}

function pathsOf(namespace: string, name: string) {
  const services = `/apis/tandem.dev/v1alpha1/namespaces/${namespace}/modelservices`;
  const sets = `/apis/leaderworkerset.x-k8s.io/v1/namespaces/${namespace}/leaderworkersets`;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  return {
    services,
    drills: `/apis/tandem.dev/v1alpha1/namespaces/${namespace}/drills`,
    service: `${services}/${name}`,
    sets,
    set: (workload: string) => `${sets}/${workload}`,
    pods,
    pod: (pod: string) => `${pods}/${pod}`,
    nodes: "/api/v1/nodes",
    node: (node: string) => `/api/v1/nodes/${node}`,
    events: `/api/v1/namespaces/${namespace}/events`,
    activeService: `/api/v1/namespaces/${namespace}/services/active`,
    leases: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
  };
}

/** One that is being deleted is as good as gone: nothing is made for it any more. */
function serviceIn(items: readonly LiveObject[] | null): ModelService | null {
  const [found] = items ?? [];
  if (found === undefined || found.metadata.deletionTimestamp !== undefined) return null;
  return found as unknown as ModelService;
}

function snapshot(
  atMs: number,
  service: ModelService,
  nodes: readonly LiveObject[],
  sets: readonly LiveObject[],
  pods: readonly LiveObject[],
): Omit<ClusterSnapshot, "drills"> {
  const byName = (items: readonly LiveObject[]) => new Map(items.map((item) => [item.metadata.name, item]));
  const names = service.spec.groups.map(({ workload }) => workload);
  return {
    atMs,
    service,
    nodes: byName(nodes.filter(({ metadata }) => service.spec.servers[metadata.name] !== undefined)),
    sets: byName(sets.filter(({ metadata }) => names.includes(metadata.name))),
    pods,
  };
}
