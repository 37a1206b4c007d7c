import type { Logger } from "pino";
import type { GatewayReport } from "../../failover/observed.ts";
import { NOT_PROVED, noTakeover } from "../../failover/readiness/ladder.ts";
import type { Outlook } from "../../failover/readiness/signs.ts";
import { healthRules } from "../../health/rules.ts";
import { type ServerEvidence, unheard } from "../../health/server-evidence.ts";
import type { TakeoverStatus } from "../../manifests/model-service/resource.ts";
import type { ClusterSnapshot } from "../cluster.ts";
import { workloadOf } from "../observe/workload.ts";
import type { ClockOffsets } from "./clock-offsets.ts";
import { factsOf } from "./facts-of.ts";
import { ReadinessProber } from "./prober.ts";

export interface TakeoverProofOptions {
  offsets: ClockOffsets;
  engineKey: string | null;
  log: Logger;
  /** What servers and gateways have said up to this moment; what was seen is up to a second older. */
  evidence(): ReadonlyMap<string, ServerEvidence>;
  gateways(): readonly GatewayReport[];
  /** Whether what is heard, and what is not, can be judged: after a pause of our own everybody looks silent. */
  canJudge(): boolean;
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
    this.heed();
    if (!leads || this.#prober !== null) return;
    const { failover } = seen.cluster.service.spec;
    this.#isFirst = true;
    this.#prober = new ReadinessProber({
      facts: () => this.#facts(),
      outlook: () => this.#outlook(),
      engineKey: this.#options.engineKey,
      onChange: () => this.#options.onNews(),
      onError: (error) => this.#options.log.error({ error: String(error) }, "the readiness of the standby"),
      onYield: (reason) => this.#options.log.info({ reason }, "the standby is left alone: it may be needed"),
      longestStepMs: failover.longestStepMs,
      healthRules: healthRules(failover.xids, failover.longestStepMs),
    });
    this.#prober.start();
  }

  /** Whether a group could take over, in a sentence; null where nothing is to be proved here: of the active group it is seen. */
  of(group: string): { ready: boolean; reason: string } | null {
    if (this.#prober === null || group === this.#seen?.active) return null;
    if (this.#believed(this.#seen?.active ?? "") === null) return this.#prober.of(group);
    return { ready: true, reason: "every rung was proved a moment ago" };
  }

  /** For a status that says who is `active`. Its times are those of the last proofs, so they change every second. */
  status(active: string): TakeoverStatus {
    return this.#believed(active) ?? this.#prober?.latest(active) ?? noTakeover("this replica proves nothing");
  }

  /** Something was done to the standby that no pod or process shows. */
  changed(reason: string): void {
    this.#prober?.changed(reason);
  }

  /** Something was heard of a server or a gateway. */
  heed(): void {
    this.#prober?.heed();
  }

  close(): void {
    void this.#prober?.close();
    this.#prober = null;
  }

  /** What another replica proved a moment ago, as long as this one has found nothing and has not come to the end. */
  #believed(active: string): TakeoverStatus | null {
    const said = this.#prober?.latest(active);
    if (!this.#isFirst || said === undefined) return null;
    const isUnderWay = said.rungs.every(({ ok, detail }) => ok || detail === NOT_PROVED);
    const before = this.#seen?.cluster.service.status;
    const { takeover } = before ?? {};
    const isSame = before?.active === active;
    if (!said.ready && isUnderWay && isSame && takeover?.ready === true && isFresh(takeover)) return takeover;
    this.#isFirst = false;
    return null;
  }

  #outlook(): Outlook | null {
    if (this.#seen === null || !this.#options.canJudge()) return null;
    const { cluster, active } = this.#seen;
    const group = cluster.service.spec.groups.find(({ id }) => id === active);
    if (group === undefined) return null;
    const [evidence, gateways] = [this.#options.evidence(), this.#options.gateways()];
    const { members } = workloadOf(cluster, group);
    return {
      active,
      gateways,
      epoch: Math.max(cluster.service.status?.epoch ?? 0, ...gateways.map(({ epoch }) => epoch)),
      servers: members.map((name) => evidence.get(name) ?? unheard(name)),
      neighbours: [...evidence.values()].filter(({ server }) => !members.includes(server)),
    };
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
