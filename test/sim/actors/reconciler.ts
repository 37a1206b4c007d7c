import { decide } from "../../../src/failover/decide.ts";
import type { Decision } from "../../../src/failover/decision.ts";
import type { GatewayReport, Observed } from "../../../src/failover/observed.ts";
import type { Evidence } from "../../../src/health/evidence.ts";
import { hearBeat, hearConnection, hearEvidence, hearHello } from "../../../src/health/hear.ts";
import { marksOf } from "../../../src/health/marks.ts";
import { DEFAULT_HEALTH_RULES } from "../../../src/health/rules.ts";
import { type ServerEvidence, unheard } from "../../../src/health/server-evidence.ts";
import type { Witness } from "../../../src/health/silence.ts";
import { type Word, witnessesOf } from "../../../src/reconciler/witnesses.ts";
import type { EvidenceFrame, Frame } from "../../../src/stream/frames.ts";
import type { ApiState } from "../world/api-server.ts";
import { Candidate, RENEW_WITHIN_MS, RETRY_MS } from "../world/lease.ts";
import { Stream } from "../world/stream.ts";
import type { SimServer } from "../world/types.ts";
import type { World } from "../world/world.ts";
import { Actor } from "./actor.ts";
import type { Effects } from "./effects.ts";
import type { SimGateway } from "./gateway.ts";
import { isFinal, isQuiet, type Look, Memory, observe } from "./observe.ts";
import { POLICY } from "./policy.ts";
import { SeenRecords } from "./seen-records.ts";
import { Told, treatmentsOf } from "./treatments.ts";

/** Moments after a change of evidence at which a verdict may turn. */
const TURNS_MS = [50, 650, 2_050, 3_050, 5_050, 30_050, 60_050] as const;
/** Silence turns none at once. */
const SILENCE_MS = TURNS_MS.slice(1);
/** What turns so late is a finding that waits to be confirmed. */
const LATE_MS = 30_000;
/** A look without any reason to look. */
const RESYNC_MS = 10_000;
const CANARY_MS = 2_000;
/** What is not told by a watch or a stream is polled. */
const POLL_MS = 500;
/** A BMC that failed is left alone for so long. */
const BMC_AWAY_MS = 30_000;
/** News nearer to each other than this are one; without news the real one looks once a second. */
const NEWS_GRID_MS = 100;
const GRID_MS = 1_000;
/** As the real one has them. */
const RECOVER_MS = 3_000;
const DEBOUNCE_MS = 30;

interface Heard {
  server: string;
  to(known: ServerEvidence, atMs: number): ServerEvidence;
  atMs: number;
}

/** A look, and what it rests on. */
interface Seen {
  look: Look;
  state: ApiState;
  reports: string;
}

export interface ReconcilerHooks {
  onDecision(who: SimReconciler, seen: Observed, decision: Decision): void;
}

/** One replica: follows the agents and the cluster, asks the real `decide`, reads again, acts once. */
export class SimReconciler extends Actor {
  readonly #world: World;
  readonly #gateways: readonly SimGateway[];
  readonly #effects: Effects;
  readonly #hooks: ReconcilerHooks;
  readonly skewMs: number;
  readonly #streams: Stream[];
  #candidate: Candidate;
  #evidence = new Map<string, ServerEvidence>();
  /** Not taken in yet: with the next look. */
  #heard: Heard[] = [];
  #before = new Memory();
  /** What each gateway heard of the servers when it was last asked. */
  readonly #words = new Map<SimGateway, Word>();
  #told = new Told();
  #seen = new SeenRecords();
  readonly #turns = new Set<number>();
  /** The last look of each agent at its GPUs. */
  readonly #looks = new Map<string, Evidence>();
  /** The servers that one may prove to be empty. */
  #unlooked: ReadonlySet<string> = new Set();
  /** The servers that are not proven to be empty, and should be. */
  #unproven: ReadonlySet<string> = new Set();
  #leads = false;
  #busy = false;
  /** The last pass took a step. */
  #acted = false;
  #listensSinceMs = 0;
  #planned = Number.POSITIVE_INFINITY;
  #plan = 0;
  /** How late its watch is. */
  watchLagMs = 0;
  /** When it last lost sight of the API server, on the true clock; null while it sees it. */
  #blindMs: number | null = null;
  decision: Decision | null = null;
  /** What the last look rested on, if that look stays true by itself. */
  #settled: { state: ApiState; reports: string; isCalm: boolean } | null = null;
  /** When the BMC of a server last did not do as asked, on the true clock. */
  readonly bmcFailedMs = new Map<string, number>();

  constructor(
    name: string,
    world: World,
    gateways: readonly SimGateway[],
    effects: Effects,
    hooks: ReconcilerHooks,
    skewMs: number,
  ) {
    super(name, world.kernel);
    this.#world = world;
    this.#gateways = gateways;
    this.#effects = effects;
    this.#hooks = hooks;
    this.skewMs = skewMs;
    this.#candidate = new Candidate(name, world.lease);
    this.#streams = [...world.servers.values()].map((server) => this.#follow(server));
  }

  /** Its own wall clock. */
  get atMs(): number {
    return this.kernel.now + this.skewMs;
  }

  get leads(): boolean {
    return this.#leads;
  }

  begin(): void {
    this.revive();
    this.#candidate = new Candidate(this.name, this.#world.lease);
    this.#heard = [];
    this.#words.clear();
    this.#evidence = new Map([...this.#world.servers.keys()].map((name) => [name, unheard(name)]));
    this.#before = new Memory();
    this.#told = new Told();
    this.#seen = new SeenRecords();
    this.#watch();
    this.#turns.clear();
    this.#looks.clear();
    this.#unlooked = new Set();
    this.#unproven = new Set();
    this.#leads = false;
    this.#busy = false;
    this.#acted = false;
    this.#planned = Number.POSITIVE_INFINITY;
    this.#blindMs = null;
    this.bmcFailedMs.clear();
    this.#settled = null;
    this.decision = null;
    this.#listensSinceMs = this.atMs;
    if (this.#world.config.standbyListens) for (const stream of this.#streams) stream.open();
    this.#elect();
  }

  override kill(): void {
    super.kill();
    this.#leads = false;
    for (const stream of this.#streams) stream.close();
  }

  override wake(): void {
    super.wake();
    this.#planned = Number.POSITIVE_INFINITY;
    this.look(1);
  }

  #follow(server: SimServer): Stream {
    const change = (to: (known: ServerEvidence, atMs: number) => ServerEvidence, isRepeated = false) => {
      this.#heard.push({ server: server.name, to, atMs: this.atMs });
      if (isRepeated) return;
      this.#settled = null;
      this.#turn();
    };
    return new Stream(this.#world, this, server, {
      connection: (state, reason) => change((known, atMs) => hearConnection(known, state, reason, atMs)),
      frame: (frame) => {
        change(
          (known, atMs) => {
            if (frame.type === "hello") return hearHello(known, frame, atMs);
            if (frame.type === "beat") return hearBeat(known, frame, atMs);
            return hearEvidence(known, frame, atMs);
          },
          this.#isRepeated(server.name, frame),
        );
        const isLook = frame.type === "evidence" && frame.evidence.kind === "gpus";
        if (isLook && this.awaitsLook(server.name)) this.look(NEWS_GRID_MS);
      },
    });
  }

  /** What one that never leads has heard, nobody asks for. */
  #takeIn(): void {
    for (const { server, to, atMs } of this.#heard) {
      const known = this.#evidence.get(server);
      if (known !== undefined) this.#evidence.set(server, to(known, atMs));
    }
    this.#heard = [];
  }

  hear(server: SimServer, frame: EvidenceFrame): void {
    this.#streams.find((stream) => stream.server === server)?.push(frame);
  }

  onFlow(server: SimServer): void {
    if (!this.alive) return;
    this.#streams.find((stream) => stream.server === server)?.refresh();
    this.#turn(SILENCE_MS);
  }

  /** A look at GPUs that are well, as they were before, turns no verdict: only whether a server is empty hangs on their processes. */
  #isRepeated(server: string, frame: Frame): boolean {
    if (frame.type !== "evidence" || frame.evidence.kind !== "gpus") return false;
    const before = this.#looks.get(server);
    if (before === frame.evidence) return true;
    this.#looks.set(server, frame.evidence);
    if (before === undefined || this.#unproven.has(server)) return false;
    return isWell(before) && isWell(frame.evidence);
  }

  awaitsLook(server: string): boolean {
    return this.#leads && this.#unlooked.has(server);
  }

  /** Verdicts may turn at fixed times after something changed. */
  #turn(moments: readonly number[] = TURNS_MS): void {
    if (!this.#leads) return;
    for (const ms of moments) {
      const gridMs = ms === TURNS_MS[0] ? NEWS_GRID_MS : GRID_MS;
      const atMs = Math.ceil((this.kernel.now + ms) / gridMs) * gridMs;
      if (this.#turns.has(atMs)) continue;
      this.#turns.add(atMs);
      this.after(atMs - this.kernel.now, () => {
        this.#turns.delete(atMs);
        if (!this.#isSettled(ms)) this.look(0);
      });
    }
  }

  /**
   * Nothing that it was told has changed since it last looked, and nothing that it saw then turns with time, or none of it so late:
   * looking again would show the same. Most of an hour in which all is well costs nothing so, and most of the wait for a boot. What
   * a decision waits for has a look of its own.
   */
  #isSettled(afterMs: number): boolean {
    const last = this.#settled;
    if (last === null || this.#world.api.state !== last.state || this.watchLagMs > 0) return false;
    if (!this.#candidate.holds(this.kernel.now) || this.#reportsKey() !== last.reports) return false;
    return last.isCalm || afterMs >= LATE_MS;
  }

  #settle(cached: ApiState, { verdicts }: Look, { kind }: Decision): void {
    const { state } = this.#world.api;
    this.#settled = null;
    if (cached !== state || kind === "act" || this.bmcFailedMs.size > 0) return;
    const servers = [...verdicts.values()].flatMap(({ servers }) => servers);
    const isSure = servers.every(({ findings }) => findings.every(({ confirmed }) => confirmed));
    const isCalm =
      this.#streams.every(({ flows }) => flows) &&
      servers.every(isFinal) &&
      [...this.#evidence.values()].every(isQuiet);
    if (isCalm || isSure) this.#settled = { state, reports: this.#reportsKey(), isCalm };
  }

  #reportsKey(): string {
    let key = "";
    for (const { flows } of this.#streams) key += flows ? "+" : "-";
    for (const { runs, choice, current, epoch } of this.#gateways)
      key += `${runs} ${choice?.kind} ${current} ${epoch} `;
    return key;
  }

  onTruth(): void {
    if (this.alive && this.#leads) this.look(POLL_MS);
  }

  onApi(): void {
    if (!this.alive) return;
    if (this.#leads) this.look(this.watchLagMs + 20);
    else this.after(this.watchLagMs + 20, () => this.#watch());
  }

  /** One that does not lead only keeps when it saw what. */
  #watch(): void {
    const { api } = this.#world;
    if (api.down) return;
    const readMs = this.kernel.now - this.watchLagMs - 5;
    const stoodStill = this.kernel.now - this.wokeMs < GRID_MS;
    this.#seen.told(api.asOf(readMs), readMs + this.skewMs, this.atMs, stoodStill);
  }

  /** The election runs beside the work, on a timer of its own. */
  #elect(): void {
    const { api } = this.#world;
    if (!api.down) {
      const held = this.#candidate.attempt(this.kernel.now);
      if (held && !this.#leads) this.#lead();
    }
    if (this.#leads && !this.#candidate.holds(this.kernel.now)) {
      // As client-go does: a leader that cannot renew ends its process.
      this.#world.say(() => `${this.name} lost the lease`);
      this.kill();
      this.#world.kernel.after(1_000, () => !this.alive && this.begin());
      return;
    }
    this.after(RETRY_MS * this.#world.random.between(0.9, 1.2), () => this.#elect());
  }

  #lead(): void {
    this.#leads = true;
    this.#world.say(() => `${this.name} leads`);
    if (!this.#world.config.standbyListens) {
      this.#listensSinceMs = this.atMs;
      for (const stream of this.#streams) stream.open();
    }
    // Writes that a leader before it has decided on find another version.
    this.#effects.stamp();
    this.look(1_000);
  }

  /** Looks at everything soon. */
  look(ms: number): void {
    const atMs = this.kernel.now + ms;
    if (!this.#leads || (atMs >= this.#planned && this.#planned >= this.kernel.now)) return;
    this.#planned = atMs;
    this.#plan += 1;
    const plan = this.#plan;
    this.after(ms, () => {
      if (plan !== this.#plan) return;
      this.#planned = Number.POSITIVE_INFINITY;
      this.#pass();
    });
  }

  #pass(): void {
    if (this.#busy || !this.#leads) return;
    // After a pause of its own nothing is judged for as long: what was sent meanwhile is not all heard yet.
    const quietMs = this.wokeMs + Math.min(this.wokeMs - this.frozeMs, RECOVER_MS) - this.kernel.now;
    if (quietMs > 0) return void this.look(quietMs);
    const { api } = this.#world;
    if (api.down) this.#blindMs ??= this.kernel.now;
    else this.#blindMs = null;
    // What it did itself it reads, once.
    const isFresh = this.#acted && !api.down;
    this.#acted = false;
    const cached = isFresh ? api.state : api.asOf((this.#blindMs ?? this.kernel.now) - this.watchLagMs - 5);
    const look = this.#observe(cached, this.#blindMs ?? this.kernel.now);
    this.#unlooked = look.unlooked;
    this.#unproven = look.unproven;
    const decision = this.#decide(look.seen);
    this.#settle(cached, look, decision);
    if (decision.kind === "act") return void this.#act({ look, state: cached, reports: this.#reportsKey() });
    this.look(this.#restMs(decision, RESYNC_MS));
  }

  #decide(seen: Observed): Decision {
    const decision = decide(seen, POLICY);
    if (decision.kind !== this.decision?.kind || decision.detail !== this.decision.detail)
      this.#world.say(() => `${this.name}: ${decision.kind} (${decision.reason}) ${decision.detail}`);
    this.decision = decision;
    this.#hooks.onDecision(this, seen, decision);
    return decision;
  }

  #restMs(decision: Decision, mostMs: number): number {
    const untilMs = decision.kind === "wait" ? decision.untilMs - this.atMs : mostMs;
    return Math.max(DEBOUNCE_MS, Math.min(untilMs, mostMs));
  }

  /** Reads again and decides again, as a watch may be late: that step is taken. Each may be the last one of this process. */
  #act(before: Seen): void {
    this.#busy = true;
    const end = (ms: number) => {
      this.#busy = false;
      this.look(ms);
    };
    this.after(this.#world.random.between(2, 30), () => {
      if (this.#world.api.down) return end(1_000);
      const { state } = this.#world.api;
      const readMs = this.kernel.now;
      this.after(this.#world.random.between(1, 20), () => {
        const look = this.#lookAgain(before, state, readMs);
        const decision = this.#decide(look.seen);
        // The watch is late, and what it tells next is not known: as the real one it looks once a second.
        if (decision.kind !== "act") return end(this.#restMs(decision, GRID_MS));
        this.#effects.run({
          by: this,
          action: decision.action,
          state,
          readMs,
          look,
          claimedMs: readMs,
          done: () => {
            this.#acted = true;
            end(60);
          },
        });
      });
    });
  }

  /** What was seen a moment ago is seen again where nothing was heard or written since: only the time is another. */
  #lookAgain(before: Seen, state: ApiState, readMs: number): Look {
    const isSame = this.#heard.length === 0 && state === before.state && this.#reportsKey() === before.reports;
    if (!isSame) return this.#observe(state, readMs);
    const seen = { ...before.look.seen, atMs: this.atMs, snapshotAtMs: readMs + this.skewMs };
    return { ...before.look, seen: { ...seen, holdsLease: this.#candidate.holds(this.kernel.now) } };
  }

  #observe(state: ApiState, readTrueMs: number): Look {
    this.#takeIn();
    this.#seen.look(state, readTrueMs + this.skewMs, this.atMs);
    const flowing = new Set<string>();
    for (const stream of this.#streams) {
      if (stream.flows) flowing.add(stream.server.name);
      const known = this.#evidence.get(stream.server.name);
      if (known === undefined) continue;
      const heardMs = stream.lastHeardMs() + this.skewMs;
      const isHeard = known.lastHeardMs !== null && heardMs > known.lastHeardMs;
      const heard = isHeard ? { ...known, lastHeardMs: heardMs } : known;
      this.#evidence.set(stream.server.name, treatmentsOf(heard, state, this.#seen, this.#told, this.atMs));
    }
    const world = this.#world;
    return observe({
      atMs: this.atMs,
      readMs: readTrueMs + this.skewMs,
      listensSinceMs: this.#listensSinceMs,
      holdsLease: this.#candidate.holds(this.kernel.now),
      state,
      evidence: this.#evidence,
      traffic: new Map(Object.keys(state.groups).map((group) => [group, this.#traffic(group)])),
      gateways: this.#reports(),
      witnesses: this.#witnesses(),
      power: (name) => {
        const { bmc, power } = world.server(name);
        return bmc === "works" ? (power ? "on" : "off") : "unknown";
      },
      hasBmc: (name) =>
        world.config.bmc && this.kernel.now - (this.bmcFailedMs.get(name) ?? Number.NEGATIVE_INFINITY) >= BMC_AWAY_MS,
      before: this.#before,
      records: this.#seen,
      isHeard: (name) => flowing.has(name),
    });
  }

  /** Its own canaries, and the tokens that gateways in reach tell of. */
  #traffic(id: string): { lastTokenMs: number | null; unansweredCanarySinceMs: number | null } {
    const world = this.#world;
    const group = world.group(id);
    const leader = world.servers.get(group.members[0] ?? "");
    const answers = world.serves(id) && leader !== undefined && world.reaches(this.name, leader);
    const lastTrueMs = answers ? this.kernel.now - (this.kernel.now % CANARY_MS) : group.lastServedMs;
    const askedMs = Math.ceil(lastTrueMs / CANARY_MS) * CANARY_MS;
    let lastMs = lastTrueMs;
    for (const gateway of this.#gateways) {
      const traffic = gateway.runs ? gateway.trafficOf(id) : undefined;
      if (traffic === undefined) continue;
      // Their tokens and their canaries: its own link may be what is broken.
      const { answeredMs } = traffic.canary;
      const ownMs = Math.max(answeredMs ?? Number.NEGATIVE_INFINITY, traffic.lastTokenMs ?? Number.NEGATIVE_INFINITY);
      lastMs = Math.max(lastMs, traffic.flows ? this.kernel.now - 300 : gateway.trueTime(ownMs));
    }
    const isAsked = !answers && askedMs < this.kernel.now && this.kernel.now - lastMs > CANARY_MS;
    const lastTokenMs = lastMs + this.skewMs;
    // Two literals of one kind: V8 optimises one of a number or null again and again, in vain.
    if (!isAsked) return { lastTokenMs, unansweredCanarySinceMs: null };
    return { lastTokenMs, unansweredCanarySinceMs: askedMs + this.skewMs };
  }

  get #reached(): SimGateway[] {
    return this.#gateways.filter(({ runs, name }) => runs && !this.#world.isCut(this.name, name));
  }

  #witnesses(): Map<string, Witness> {
    // While everybody is heard nobody asks them.
    if (this.#streams.every(({ flows }) => flows)) return new Map();
    const reached = this.#reached;
    for (const gateway of reached) this.#words.set(gateway, { heardMs: this.atMs, said: gateway.said() });
    const wordsOf = (some: readonly SimGateway[]) => some.flatMap((one) => this.#words.get(one) ?? []);
    const gone = this.#gateways.filter((one) => !reached.includes(one));
    const ownMs = (server: string) => this.#evidence.get(server)?.lastHeardMs ?? undefined;
    return witnessesOf(wordsOf(reached), wordsOf(gone), ownMs);
  }

  #reports(): GatewayReport[] {
    return this.#reached.flatMap((gateway) => {
      // One that holds its requests sends them to no group.
      if (gateway.choice?.kind !== "use") return [];
      const { name, current, epoch, sinceMs } = gateway;
      // A report is as old as the poll.
      return [{ replica: name, group: current, epoch, sinceMs: sinceMs + this.skewMs }];
    });
  }

  /** A leader that was stopped for longer than this has lost its lease to another. */
  static readonly leaseMs = RENEW_WITHIN_MS;
}

/** Of a look at GPUs. */
function isWell(look: Evidence): boolean {
  return marksOf(look, DEFAULT_HEALTH_RULES).length === 0;
}
