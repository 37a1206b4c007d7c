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
import { type Moment, monotonicOf, now } from "./observe/clock.ts";
import { FirstSeen, type Seen } from "./observe/first-seen.ts";
import type { Knowledge, Verdicts } from "./observe/knowledge.ts";
import { notesOf, quarantineOf } from "./observe/records.ts";
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
  readonly #seen = new FirstSeen();
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
      ),
      answered: answersOf(present),
      requests: this.#requests(monoMs),
      power: this.power.seen,
      bmcAway: this.power.away(monoMs),
      isolations: this.#isolations(cluster, moment),
      runs: this.#runs(cluster, moment),
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

  /** When each server came into quarantine; asks the BMCs of servers whose power is on its way. */
  #isolations({ nodes, service, atMs }: ClusterSnapshot, moment: Moment): Knowledge["isolations"] {
    const found = new Map<string, Seen>();
    for (const [name, node] of nodes) {
      const record = quarantineOf(node);
      const seen = this.#first(`quarantine of ${name}`, record?.since ?? null, atMs, moment);
      if (record === null || seen === null) continue;
      found.set(name, seen);
      const bmc = service.spec.servers[name]?.bmc;
      if (bmc !== undefined && record.treated === undefined) this.power.ask(name, bmc.url);
    }
    return found;
  }

  #runs({ sets, service, atMs }: ClusterSnapshot, moment: Moment): Knowledge["runs"] {
    const found = new Map<string, Seen>();
    for (const { id, workload } of service.spec.groups) {
      const { runSince } = notesOf(sets.get(workload));
      const seen = this.#first(`run of ${id}`, runSince, atMs, moment);
      if (seen !== null) found.set(id, seen);
    }
    return found;
  }

  #first(what: string, recorded: string | null, readMs: number, moment: Moment): Seen | null {
    const recordedMs = recorded === null ? 0 : monotonicOf(moment, recorded);
    return this.#seen.see(what, recorded, { recordedMs, readMs, nowMs: moment.monoMs });
  }
}
