import type { Logger } from "pino";
import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { KubeClient } from "../../kube/client.ts";
import { STACK_LABEL } from "../../manifests/names.ts";
import type { ClusterSnapshot } from "../cluster.ts";
import type { GatewayHeard } from "../gateways.ts";
import type { RecordStore } from "../records/record-store.ts";
import { DrillList } from "./drill-list.ts";
import { readDrillNotes } from "./drill-notes.ts";
import { DrillRunner } from "./drill-runner.ts";
import { Feed } from "./feed.ts";
import type { OrderParts } from "./switchover.ts";

export interface BoardParts {
  client: KubeClient;
  /** Name of the ModelService, which is that of the stack. */
  name: string;
  identity: string;
  paths: { service: string; drills: string };
  store: RecordStore;
  /** Its `atMs` is when the API server answered last. */
  known(): ClusterSnapshot | null;
  evidence(): ReadonlyMap<string, ServerEvidence>;
  gateways(): readonly GatewayHeard[];
  log: Logger;
}

/** What one replica of the reconciler shows people, and takes from them. It decides nothing: what is asked goes into the spec. */
export class Board {
  readonly feed: Feed;
  readonly orders: OrderParts;
  readonly #drills: DrillList;

  constructor({ client, name, identity, paths, store, known, evidence, gateways, log }: BoardParts) {
    const read = () => readDrillNotes(client, paths.drills, `${STACK_LABEL} in (${name})`);
    this.#drills = new DrillList(read, () => this.feed.changed(), log);
    const service = () => known()?.service ?? new Error(`nothing is known of the ModelService ${name} yet`);
    const drills = () => this.#drills.notes;
    const answeredMs = () => known()?.atMs ?? performance.now();
    this.feed = new Feed({ stack: name, by: identity, service, answeredMs, evidence, gateways, drills });
    const drill = new DrillRunner({ client, path: paths.service, store, feed: this.feed, service, drills, log });
    this.orders = { stack: name, client, path: paths.service, service, drill };
  }

  /** With every look at the cluster. */
  see({ drills }: ClusterSnapshot): void {
    this.#drills.see(drills);
  }
}
