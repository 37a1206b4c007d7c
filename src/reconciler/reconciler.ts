import type { Logger } from "pino";
import { decide } from "../failover/decide.ts";
import type { KubeClient } from "../kube/client.ts";
import { isConflict } from "../kube/errors.ts";
import { Lease } from "../kube/lease.ts";
import { RECONCILER_LEASE } from "../manifests/names.ts";
import type { Subscribe } from "../stream/subscription.ts";
import { type Decided, NotLeader } from "./actions/hands.ts";
import { Alarm } from "./alarm.ts";
import { Cluster, type ClusterSnapshot } from "./cluster.ts";
import { Board } from "./dashboard/board.ts";
import { Journal } from "./journal.ts";
import { Leader } from "./leader.ts";
import type { ReconcilerMetrics } from "./metrics.ts";
import { type Next, nextStep } from "./next-step.ts";
import { NO_VERDICTS, type Verdicts } from "./observe/knowledge.ts";
import { observe } from "./observe/observe.ts";
import { Onlooker } from "./onlooker.ts";
import { policyOf } from "./policy.ts";
import { takeoverBySight } from "./readiness/by-sight.ts";
import { TakeoverProof } from "./readiness/takeover-proof.ts";
import { FlightRecorder } from "./records/flight-recorder.ts";
import { RecordKeeper } from "./records/record-keeper.ts";
import { RecordStore } from "./records/record-store.ts";
import { Senses } from "./senses.ts";
import type { Pager } from "./webhook/pager.ts";
import { pagerOf, troubleOf } from "./webhook/trouble.ts";

export interface ReconcilerOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  /** Of this start of this replica. */
  identity: string;
  subscribe: Subscribe;
  agentToken: () => string;
  adminToken: () => string;
  bmcFolder: string | undefined;
  log: Logger;
  metrics: ReconcilerMetrics;
  /** The key that the gateways send to the engines, null where they need none; without it takeover is judged by sight alone. */
  engineKey?: string | null;
  /** Holds the address of the webhook that calls a person; without it nobody is called. */
  webhookFolder?: string | undefined;
  /** Shorter in tests. */
  lease?: { durationMs: number; renewEveryMs: number; marginMs: number };
}

/** Another replica may act 6 s after the last renewal; this one stops 2 s before that. */
const LEASE = { durationMs: 6_000, renewEveryMs: 1_500, marginMs: 2_000 };
const TICK_MS = 1_000;
/** Several changes that come together are one. */
const DEBOUNCE_MS = 30;
const AGAIN_MS = 500;

/** Observe, decide, look again, take one step, write down; over and over. What it remembers only keeps it from being slower. */
export class Reconciler {
  /** What people see of it, and ask of it. */
  readonly board: Board;
  readonly #options: ReconcilerOptions;
  readonly #alarm = new Alarm();
  readonly #end = new AbortController();
  readonly #cluster: Cluster;
  readonly #lease: Lease;
  readonly #senses: Senses;
  readonly #leader: Leader;
  readonly #proof: TakeoverProof | null;
  readonly #pager: Pager | null;
  readonly #recorder = new FlightRecorder(Date.now());
  readonly #keeper: RecordKeeper;
  #previous: Verdicts = NO_VERDICTS;
  #turnedMs = performance.now();
  /** The last pass took a step. */
  #acted = false;
  readonly #onlooker = new Onlooker();
  #running: Promise<void> | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    const { client, namespace, name, identity, log, metrics } = options;
    const wake = () => {
      this.#alarm.ring();
      this.board.feed.changed();
    };
    const onProblem = (error: unknown) => log.warn({ error: String(error) }, "the API server");
    const { signal } = this.#end;
    this.#cluster = new Cluster({ client, namespace, name, signal, onChange: wake, onProblem });
    const { paths } = this.#cluster;
    const lease = {
      client,
      path: paths.leases,
      name: RECONCILER_LEASE,
      namespace,
      identity,
      ...(options.lease ?? LEASE),
    };
    this.#lease = new Lease({ ...lease, onChange: wake, onProblem });
    this.#senses = new Senses({
      ...options,
      takeover: (group) => this.#proof?.of(group) ?? null,
      onFrame: (server, frame) => this.#recorder.hear(server, frame, Date.now()),
      onNews: (isRoutine) => {
        this.#proof?.heed();
        // The next pass is a second away at most: an engine that serves on must not cause four of them in each.
        if (isRoutine) return;
        const nowMs = performance.now();
        if (this.#lease.holds(nowMs)) wake();
        else if (this.#onlooker.hear(nowMs)) this.#alarm.ring();
      },
      onGateway: (heard) => this.board.feed.heard(heard),
      onStall: (stalledMs) => log.warn({ stalledMs }, "this process stood still"),
    });
    const { engineKey } = options;
    const { offsets, evidence, gateways } = this.#senses;
    this.#proof =
      engineKey === undefined
        ? null
        : new TakeoverProof({
            offsets,
            engineKey,
            log,
            onNews: wake,
            evidence: () => evidence.servers,
            gateways: () => gateways.reports(performance.now()),
            canJudge: () => this.#senses.isReady(performance.now()),
          });
    this.#pager = options.webhookFolder === undefined ? null : pagerOf(options.webhookFolder, log);
    const assertLeader = () => {
      if (!this.#lease.holds(performance.now())) throw new NotLeader();
    };
    const store = new RecordStore(client, paths.drills);
    this.#keeper = new RecordKeeper({ ...options, store, recorder: this.#recorder, assertLeader });
    const present = () => gateways.present(performance.now());
    this.board = new Board({
      ...{ client, name, identity, paths, store, log },
      known: () => this.#cluster.known(this.#lease.answeredMs),
      evidence: () => evidence.servers,
      gateways: present,
    });
    this.#leader = new Leader({
      hands: { client, namespace, paths, power: this.#senses.power, signal, assertLeader },
      gateways: this.#senses.gateways,
      journal: new Journal({ client, path: paths.events, namespace, log, identity }),
      metrics,
      log,
      takeover: (decided, active) => this.#proof?.status(active) ?? takeoverBySight(decided),
      onWritten: (service) => {
        this.#cluster.keepService(service);
        this.board.feed.changed();
      },
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Whether the loop turns: a pass may take seconds, never minutes. */
  isTurning(): boolean {
    return performance.now() - this.#turnedMs < 60_000;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    this.#alarm.ring();
    await this.#running;
    this.#proof?.close();
    await this.#pager?.close();
    this.#senses.close();
    await this.#lease.stop();
  }

  async #run(): Promise<void> {
    const { log, metrics } = this.#options;
    while (!this.#end.signal.aborted) {
      const stopTimer = metrics.passes.startTimer();
      let nextMs: number;
      try {
        nextMs = await this.#pass();
      } catch (error) {
        if (this.#end.signal.aborted) return;
        nextMs = AGAIN_MS;
        if (isConflict(error)) log.info({ error: String(error) }, "the world moved, so it is looked at again");
        else log.warn({ error: String(error) }, "a pass failed");
      }
      stopTimer();
      this.#turnedMs = performance.now();
      await this.#alarm.sleep(nextMs);
      await new Promise((resolve) => setTimeout(resolve, DEBOUNCE_MS));
    }
  }

  /** One look and at most one step; returns how long nothing need be done unless something happens. */
  async #pass(): Promise<number> {
    const lease = this.#lease;
    const leads = lease.holds(performance.now());
    this.#options.metrics.leader.set(leads ? 1 : 0);
    // What it did itself it reads, once: a late watch would go on to show what was before, and date what was done by when it tells.
    const isFresh = leads && this.#acted;
    this.#acted = false;
    const known = isFresh
      ? await this.#cluster.read()
      : this.#cluster.known(leads ? lease.renewedMs : lease.answeredMs);
    if (known === null) return TICK_MS;
    this.#senses.follow(known);
    this.#senses.gateways.pace(leads || this.board.feed.isWatched);
    this.board.see(known);
    if (!this.#senses.isReady(performance.now())) return AGAIN_MS;

    let { decided, next } = this.#look(known);
    if (!leads) return this.#onlooker.restMs(this.#previous, performance.now());
    if (this.#leader.wantsToAct(decided, next, lease.term)) {
      // Nothing is done on the word of a watch alone: it may be late.
      const fresh = isFresh ? known : await this.#cluster.read();
      if (fresh === null) return TICK_MS;
      if (!isFresh) ({ decided, next } = this.#look(fresh));
      if (await this.#leader.prepare(decided, lease.term)) return 0;
    }
    if (decided.knowledge.cluster.service.status === undefined) return AGAIN_MS;
    this.#keeper.see(decided);
    if (await this.#leader.stateTurn(decided, next, lease.term)) return 0;
    const shown = await this.#leader.step(decided, next);
    this.#acted = shown === null;
    if (shown === null) return 0;
    await this.#leader.state(decided, shown, lease.term);
    this.#pager?.see(troubleOf(decided, shown));
    return shown.kind === "wait" ? clamp(shown.untilMs - performance.now(), DEBOUNCE_MS, TICK_MS) : TICK_MS;
  }

  #look(cluster: ClusterSnapshot): { decided: Decided; next: Next } {
    const { metrics } = this.#options;
    const knowledge = this.#senses.knowledge(cluster, this.#lease.holds(performance.now()), this.#previous);
    const observation = observe(knowledge);
    this.#previous = observation.verdicts;
    const { active } = observation.observed;
    this.#proof?.see({ cluster, evidence: observation.evidence, active }, knowledge.holdsLease);
    const { observed } = observation;
    const [policy, held] = [policyOf(cluster.service.spec), this.#leader.held];
    const decision = decide(observed, policy, held);
    const { wallMs } = knowledge.moment;
    if (observed.holdsLease) this.#recorder.decided({ wallMs, observed, policy, held, decision });
    metrics.see(observed, decision);
    const next = nextStep(cluster.service, observation, knowledge.moment, decision);
    return { decided: { knowledge, observation, reason: decision.detail }, next };
  }
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
