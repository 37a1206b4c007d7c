import type { KubeClient } from "../../kube/client.ts";
import { isConflict, isNotFound } from "../../kube/errors.ts";
import { DRILL, DRILL_STATE, type Drill, type DrillStatus, KEEP_DRILLS } from "../../manifests/drill/resource.ts";
import { STACK_LABEL } from "../../manifests/names.ts";

const TIMEOUT_MS = 5_000;
const NAMES_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const FIELD_MANAGER = "tandem-reconciler";

/** Where records of drills and failovers lie in the cluster. */
export class RecordStore {
  readonly #client: KubeClient;
  readonly #path: string;

  constructor(client: KubeClient, path: string) {
    this.#client = client;
    this.#path = path;
  }

  /** One that is there already stays as it is: another replica has written it. */
  async create(name: string, drill: Pick<Drill, "spec" | "record">): Promise<void> {
    const labels = { [DRILL_STATE]: "running", [STACK_LABEL]: drill.spec.service };
    try {
      await this.#client.json({
        method: "POST",
        path: this.#path,
        query: { fieldManager: FIELD_MANAGER },
        body: { ...DRILL, metadata: { name, labels }, ...drill },
        timeoutMs: TIMEOUT_MS,
      });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  async keep(name: string, record: NonNullable<Drill["record"]>): Promise<void> {
    await this.#patch(name, { record });
  }

  /** The summary first: whoever sees that it has ended finds it. */
  async end(name: string, status: DrillStatus): Promise<void> {
    await this.#patch(`${name}/status`, { status });
    await this.#patch(name, { metadata: { labels: { [DRILL_STATE]: "ended" } } });
  }

  /** Drops those that ended and are too many. Names begin with the time. */
  async prune(service: string): Promise<string[]> {
    const { items } = await this.#client.json<{ items: Pick<Drill, "metadata">[] }>({
      method: "GET",
      path: this.#path,
      query: { labelSelector: `${STACK_LABEL} in (${service})` },
      accept: NAMES_ONLY,
      timeoutMs: TIMEOUT_MS,
    });
    const ended = items.filter(({ metadata }) => metadata.labels?.[DRILL_STATE] === "ended");
    const old = ended.map(({ metadata }) => metadata.name).sort();
    const tooMany = old.slice(0, Math.max(0, old.length - KEEP_DRILLS));
    for (const name of tooMany) {
      try {
        await this.#client.json({ method: "DELETE", path: `${this.#path}/${name}`, timeoutMs: TIMEOUT_MS });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return tooMany;
  }

  async #patch(name: string, body: object): Promise<void> {
    await this.#client.json({
      method: "PATCH",
      path: `${this.#path}/${name}`,
      query: { fieldManager: FIELD_MANAGER },
      contentType: "application/merge-patch+json",
      body,
      timeoutMs: TIMEOUT_MS,
    });
  }
}
