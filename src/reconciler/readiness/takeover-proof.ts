import type { Logger } from "pino";
import { NOT_PROVED, noTakeover } from "../../failover/readiness/ladder.ts";
import { healthRules } from "../../health/rules.ts";
import type { ServerEvidence } from "../../health/server-evidence.ts";
import type { TakeoverStatus } from "../../manifests/model-service/resource.ts";
import type { ClusterSnapshot } from "../cluster.ts";
import type { ClockOffsets } from "./clock-offsets.ts";
import { factsOf } from "./facts-of.ts";
import { ReadinessProber } from "./prober.ts";

export interface TakeoverProofOptions {
  offsets: ClockOffsets;
  engineKey: string | null;
  log: Logger;
  /** The answer has changed. */
  onNews(): void;
}

/** What one pass of the reconciler knows; the prober reads the newest every second. */
export interface Seen {
  cluster: ClusterSnapshot;
  /** With what was done about it. */
  evidence: ReadonlyMap<string, ServerEvidence>;
  active: string;
}

/** A replica that takes over believes what the one before it proved for so long: it has to prove it itself meanwhile. */
const BELIEVE_MS = 90_000;

/** The prober of the replica that leads. One that follows proves nothing: two would ask the engines twice as much. */
export class TakeoverProof {
  readonly #options: TakeoverProofOptions;
  #prober: ReadinessProber | null = null;
  #seen: Seen | null = null;
  /** Until this replica has proved every rung once. */
  #isFirst = true;

  constructor(options: TakeoverProofOptions) {
    this.#options = options;
  }

  /** After each look at the world. Starts with the first one that leads, ends with the first that does not. */
  see(seen: Seen, leads: boolean): void {
    this.#seen = seen;
    if (!leads) this.close();
    if (!leads || this.#prober !== null) return;
    const { failover } = seen.cluster.service.spec;
    this.#isFirst = true;
    this.#prober = new ReadinessProber({
      facts: () => this.#facts(),
      engineKey: this.#options.engineKey,
      onChange: () => this.#options.onNews(),
      onError: (error) => this.#options.log.error({ error: String(error) }, "the readiness of the standby"),
      longestStepMs: failover.longestStepMs,
      healthRules: healthRules(failover.xids, failover.longestStepMs),
    });
    this.#prober.start();
  }

  /** Whether a group could take over, in a sentence; null where nothing is to be proved here: of the active group it is seen. */
  of(group: string): { ready: boolean; reason: string } | null {
    if (this.#prober === null || group === this.#seen?.active) return null;
    if (this.#believed() === null) return this.#prober.of(group);
    return { ready: true, reason: "every rung was proved a moment ago" };
  }

  /** For the status. Its times are those of the last proofs, so they change every second. */
  status(): TakeoverStatus {
    return this.#believed() ?? this.#prober?.latest() ?? noTakeover("this replica proves nothing");
  }

  /** Something was done to the standby that no pod or process shows. */
  changed(reason: string): void {
    this.#prober?.changed(reason);
  }

  close(): void {
    void this.#prober?.close();
    this.#prober = null;
  }

  /** What another replica proved a moment ago, as long as this one has found nothing and has not come to the end. */
  #believed(): TakeoverStatus | null {
    const said = this.#prober?.latest();
    if (!this.#isFirst || said === undefined) return null;
    const isUnderWay = said.rungs.every(({ ok, detail }) => ok || detail === NOT_PROVED);
    const before = this.#seen?.cluster.service.status?.takeover;
    if (!said.ready && isUnderWay && before?.ready === true && isFresh(before)) return before;
    this.#isFirst = false;
    return null;
  }

  #facts() {
    if (this.#seen === null) return null;
    return factsOf({ ...this.#seen, offsets: this.#options.offsets, atMs: performance.now() });
  }
}

function isFresh({ rungs }: TakeoverStatus): boolean {
  const answers = rungs.find(({ name }) => name === "answers")?.provenAt;
  return answers !== undefined && answers !== null && Date.now() - Date.parse(answers) < BELIEVE_MS;
}
