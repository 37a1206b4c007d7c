import { healthRules } from "../health/rules.ts";
import { unheard } from "../health/server-evidence.ts";
import { onStall as watchStalls } from "../stream/event-loop.ts";
import type { Frame } from "../stream/frames.ts";
import type { Subscribe } from "../stream/subscription.ts";
import { PowerBoard } from "./bmc/power-board.ts";
import { Canaries } from "./canaries.ts";
import type { ClusterSnapshot } from "./cluster.ts";
import { EvidenceBook } from "./evidence-book.ts";
import { type GatewayHeard, Gateways } from "./gateways.ts";
import { type Moment, now } from "./observe/clock.ts";
import type { Knowledge, Verdicts } from "./observe/knowledge.ts";
import { quarantineOf } from "./observe/records.ts";
import { SeenTimes } from "./observe/seen-times.ts";
import { workloadOf } from "./observe/workload.ts";
import { ClockOffsets } from "./readiness/clock-offsets.ts";
import { answersOf, witnessesOf } from "./witnesses.ts";

/** A pause of our own that is shorter makes nobody look silent: beats come four times a second. */
const SHORT_MS = 300;
/** After a longer one everybody is as silent as we were: what waited is heard first. */
const RECOVER_MS = 3_000;

export interface SensesOptions {
  subscribe: Subscribe;
  agentToken: () => string;
  adminToken: () => string;
  bmcFolder: string | undefined;
  takeover: Knowledge["takeover"];
  onFrame?(server: string, frame: Frame): void;
  /** Every answer of a gateway. */
  onGateway?(heard: GatewayHeard): void;
  /** `isRoutine`: nothing that a decision could hang on. */
  onNews(isRoutine: boolean): void;
  onStall(stalledMs: number): void;
}

/** Everything that the reconciler learns from others than the API server. */
export class Senses {
  readonly evidence: EvidenceBook;
  /** Of the servers' wall clocks. */
  readonly offsets = new ClockOffsets();
  readonly gateways: Gateways;
  readonly power: PowerBoard;
  readonly #startedMs = performance.now();
  readonly #canaries: Canaries;
  readonly #takeover: Knowledge["takeover"];
  readonly #times = new SeenTimes();
  readonly #endStalls: () => void;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  constructor({
    subscribe,
    agentToken,
    adminToken,
    bmcFolder,
    takeover,
    onFrame,
    onGateway,
    onNews,
    onStall,
  }: SensesOptions) {
    this.#takeover = takeover;
    this.evidence = new EvidenceBook(subscribe, agentToken, {
      onNews: (_server, isRoutine) => onNews(isRoutine),
      onFrame: (server, frame) => {
        this.offsets.hear(server, frame, Date.now());
        onFrame?.(server, frame);
      },
    });
    this.#endStalls = watchStalls(({ fromMonoMs, toMonoMs }) => {
      const stalledMs = Math.round(toMonoMs - fromMonoMs);
      if (stalledMs < SHORT_MS) return;
      this.#quietUntilMs = toMonoMs + Math.min(stalledMs, RECOVER_MS);
      onStall(stalledMs);
    });
    const news = () => onNews(false);
    this.gateways = new Gateways(adminToken, news, onGateway);
    this.power = new PowerBoard(bmcFolder, news);
    this.#canaries = new Canaries(news);
  }

  /** Whether what is heard, and what is not, can be judged. */
  isReady(atMs: number): boolean {
    return atMs >= this.#quietUntilMs;
  }

  /** Listens to whom the spec names. */
  follow({ service }: ClusterSnapshot): void {
    const agents = Object.entries(service.spec.servers).map(([name, { agent }]): [string, string] => [name, agent]);
    this.evidence.follow(Object.fromEntries(agents));
    this.gateways.follow(service.spec.gateways);
  }

  /** All that is known at this moment. */
  knowledge(cluster: ClusterSnapshot, holdsLease: boolean, previous: Verdicts, moment: Moment = now()): Knowledge {
    const { monoMs } = moment;
    this.#askPower(cluster);
    const present = this.gateways.present(monoMs);
    return {
      moment,
      holdsLease,
      cluster,
      evidence: this.evidence.servers,
      listeningSinceMs: this.#startedMs,
      traffic: this.#traffic(cluster, monoMs),
      gateways: this.gateways.reports(monoMs),
      witnesses: witnessesOf(
        present,
        [...this.gateways.heard.values()].filter((one) => !present.includes(one)),
        (server) => this.evidence.servers.get(server)?.lastHeardMs ?? undefined,
      ),
      answered: answersOf(present),
      requests: this.#requests(monoMs),
      power: this.power.seen,
      bmcAway: this.power.away(monoMs),
      ...this.#times.of(cluster, moment),
      previous,
      takeover: this.#takeover,
    };
  }

  close(): void {
    this.#endStalls();
    this.evidence.close();
    this.gateways.close();
  }

  #traffic(cluster: ClusterSnapshot, atMs: number): Knowledge["traffic"] {
    const { spec } = cluster.service;
    const { blindAfterMs } = healthRules(spec.failover.xids, spec.failover.longestStepMs);
    return new Map(
      spec.groups.map((group) => {
        const { members, run } = workloadOf(cluster, group);
        const heard = members.map((name) => this.evidence.servers.get(name) ?? unheard(name));
        const urls = members.flatMap((name) => spec.servers[name]?.engine ?? []);
        const engine = { urls, model: spec.model };
        const progressMs = this.evidence.progressMs.get(group.id);
        return [
          group.id,
          this.#canaries.traffic(group.id, run, heard, engine, progressMs, atMs, blindAfterMs, this.#startedMs),
        ];
      }),
    );
  }

  #requests(atMs: number): Knowledge["requests"] {
    const sum = new Map<string, number>();
    for (const { requests } of this.gateways.present(atMs))
      for (const [group, count] of Object.entries(requests)) sum.set(group, (sum.get(group) ?? 0) + count);
    return sum;
  }

  /** The BMCs of servers whose power is on its way. */
  #askPower({ nodes, service }: ClusterSnapshot): void {
    for (const [name, node] of nodes) {
      const record = quarantineOf(node);
      const bmc = service.spec.servers[name]?.bmc;
      if (record !== null && bmc !== undefined && record.treated === undefined) this.power.ask(name, bmc.url);
    }
  }
}
