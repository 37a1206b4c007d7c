import type { Logger } from "pino";
import { type Decision, escalate, wait } from "../failover/decision.ts";
import { isConflict } from "../kube/errors.ts";
import type { LiveObject } from "../kube/objects.ts";
import type { ModelServiceStatus, TakeoverStatus } from "../manifests/model-service/resource.ts";
import { act } from "./actions/act.ts";
import { type Decided, type Hands, NotLeader, type Outcome, patchRead } from "./actions/hands.ts";
import { carryOut } from "./actions/orders.ts";
import { missingWord, type Word } from "./first-status.ts";
import type { Gateways } from "./gateways.ts";
import type { Journal } from "./journal.ts";
import type { ReconcilerMetrics } from "./metrics.ts";
import type { Next } from "./next-step.ts";
import { isStamped, readActiveService, stampTerm, tellMove, upkeep } from "./spread.ts";
import { differs, statusOf, turns } from "./status.ts";

/** Between two tries of a step that had to wait, or failed: doubled with each, up to four times as long. */
const AGAIN_MS = 500;
/** A step that was not wanted for so long begins anew when it is. */
const FORGET_MS = 10_000;
/** A status of which only the figures in its sentences changed may be so late. */
const REWORD_MS = 10_000;
/** So long the gateways have to say what they know before a first word is written. */
const LISTEN_FIRST_MS = 3_000;

type Act = Extract<Decision, { kind: "act" }>;

export interface LeaderParts {
  hands: Hands;
  gateways: Gateways;
  journal: Journal;
  metrics: ReconcilerMetrics;
  log: Logger;
  takeover(decided: Decided, active: string): TakeoverStatus;
  /** The ModelService after a status was written. */
  onWritten(service: LiveObject): void;
}

/** What only the holder of the lease does: every write of the reconciler goes through here. */
export class Leader {
  readonly #parts: LeaderParts;
  readonly #startedMs = performance.now();
  #activeService: { epoch: number; object: LiveObject | null } | null = null;
  /** Steps that had to wait, by their words, and what is shown until they are tried again. */
  readonly #held = new Map<string, { action: Act["action"]; tries: number; untilMs: number; shown: Decision }>();
  #wroteMs = Number.NEGATIVE_INFINITY;
  /** The first status of a term is written whatever it says: it moves the version that a former leader has read. */
  #statedTerm: number | null = null;

  constructor(parts: LeaderParts) {
    this.#parts = parts;
  }

  /** Steps that were tried a moment ago: others are not held up by them. */
  get held(): Act["action"][] {
    const nowMs = performance.now();
    return [...this.#held.values()].flatMap(({ action, untilMs }) => (nowMs < untilMs ? [action] : []));
  }

  /** Whether a fresh read is worth while: a step that waits is not tried with every turn. */
  wantsToAct(decided: Decided, next: Next, term: number): boolean {
    if (next.kind !== "decision") return true;
    if (next.decision.kind === "act" && this.#heldBack(next.decision) === null) return true;
    const { status } = decided.knowledge.cluster.service;
    if (status === undefined || !isStamped(decided, term)) return true;
    if (missingWord(decided, this.#present(decided)) !== null) return true;
    if (this.#activeService?.epoch !== status.epoch) return true;
    return this.#upkeep(decided).length > 0;
  }

  /** Everything that comes before a decision; true if something was written, so that the cluster must be read anew. */
  async prepare(decided: Decided, term: number): Promise<boolean> {
    const { hands, log } = this.#parts;
    if (!isStamped(decided, term)) {
      await stampTerm(hands, decided, term);
      log.info({ term }, "this replica leads");
      return true;
    }
    const word = missingWord(decided, this.#present(decided));
    if (word !== null) return this.#writeWord(decided, word);
    const epoch = decided.knowledge.cluster.service.status?.epoch ?? 0;
    if (this.#activeService?.epoch !== epoch) {
      const object = await readActiveService(hands.client, hands.paths.activeService);
      this.#activeService = { epoch, object };
    }
    const steps = this.#upkeep(decided);
    for (const [key, { untilMs }] of this.#held) if (performance.now() - untilMs > FORGET_MS) this.#held.delete(key);
    for (const { what, run } of steps) {
      log.info({ what }, "told");
      await run();
    }
    if (steps.length > 0) this.#activeService = null;
    return steps.length > 0;
  }

  /** Takes the step; null after a try, so that the world is looked at anew, else what is to be shown. */
  async step(decided: Decided, next: Next): Promise<Decision | null> {
    if (next.kind === "decision")
      return next.decision.kind === "act" ? this.#act(decided, next.decision) : next.decision;
    const { hands, log } = this.#parts;
    if (next.kind === "server") {
      const outcome = await carryOut(hands, decided, next.order);
      log.info({ order: next.order, outcome }, "acted");
      return null;
    }
    const { id, outcome, detail } = next;
    const at = new Date(decided.knowledge.moment.wallMs).toISOString();
    await this.#write(decided, { handledRequest: { id, outcome, detail, at } });
    log.info({ id, outcome, detail }, "the order is over");
    return null;
  }

  async #act(decided: Decided, decision: Act): Promise<Decision | null> {
    const { hands, journal, metrics } = this.#parts;
    const held = this.#heldBack(decision);
    if (held !== null) return held;
    const action = decision.action.kind;
    const { service } = decided.knowledge.cluster;
    let outcome: Outcome;
    try {
      outcome = await act(hands, { ...decided, reason: decision.detail }, decision.action);
    } catch (error) {
      if (error instanceof NotLeader) throw error;
      const conflict = isConflict(error);
      metrics.actions.inc({ action, outcome: conflict ? "conflict" : "failed" });
      if (conflict) throw error;
      this.#parts.log.warn({ decision, error: String(error) }, "the step failed");
      outcome = { kind: "waiting", detail: `${decision.detail}; tried and failed: ${(error as Error).message}` };
    }
    if (outcome.kind === "done" && decision.action.kind === "set-active")
      await tellMove(hands, { ...decided, reason: decision.detail }, decision.action, this.#parts.gateways);
    metrics.actions.inc({ action, outcome: outcome.kind });
    await journal.acted(service, decided.observation, decision, outcome);
    const key = JSON.stringify(decision.action);
    if (outcome.kind === "done") {
      this.#held.delete(key);
      return null;
    }
    const tries = (this.#held.get(key)?.tries ?? 0) + 1;
    const untilMs = performance.now() + AGAIN_MS * 2 ** Math.min(tries - 1, 2);
    const shown =
      outcome.kind === "blocked"
        ? escalate(outcome.reason, outcome.detail, outcome.fix)
        : wait("treating", untilMs, outcome.detail);
    this.#held.set(key, { action: decision.action, tries, untilMs, shown });
    // Looked at anew, with this step out of the way: what is shown is what the decider says of the rest.
    return null;
  }

  /**
   * Before a step: writes the status if a condition turns, so that nobody waits on an old one while many steps follow each other.
   * A move of traffic is not held up by it. True if it was written, and the cluster must be read anew.
   */
  async stateTurn(decided: Decided, next: Next, term: number): Promise<boolean> {
    const { knowledge } = decided;
    const { status } = knowledge.cluster.service;
    if (status === undefined || next.kind === "end") return false;
    if (next.kind === "decision" && (next.decision.kind !== "act" || next.decision.action.kind === "set-active"))
      return false;
    const decision = next.kind === "decision" ? next.decision : wait("treating", knowledge.moment.monoMs, "asked for");
    const now = this.#statusOf(decided, decision, status);
    if (!turns(status, now)) return false;
    await this.#write(decided, now);
    this.#statedTerm = term;
    return true;
  }

  /** Writes the status where it differs from the one in the cluster in more than its figures. */
  async state(decided: Decided, decision: Decision, term: number): Promise<void> {
    const { knowledge, observation } = decided;
    const { service } = knowledge.cluster;
    await this.#parts.journal.decided(service, observation, decision);
    if (service.status === undefined) return;
    const now = this.#statusOf(decided, decision, service.status);
    const isNew = this.#statedTerm !== term;
    if (isNew) now.decision.since = new Date(knowledge.moment.wallMs).toISOString();
    const late = performance.now() - this.#wroteMs > REWORD_MS;
    if (!isNew && !differs(service.status, now, late)) return;
    await this.#write(decided, now);
    this.#statedTerm = term;
  }

  async #writeWord(decided: Decided, word: Word): Promise<boolean> {
    const { knowledge } = decided;
    const { service } = knowledge.cluster;
    const silent = this.#present(decided).length < service.spec.gateways.length;
    if (silent && performance.now() - this.#startedMs < LISTEN_FIRST_MS) return false;
    const decision = wait("starting", knowledge.moment.monoMs, "the first word is given");
    await this.#write(decided, this.#statusOf(decided, decision, word));
    this.#parts.log.info({ word }, "the word");
    return true;
  }

  #statusOf(decided: Decided, decision: Decision, word: Word): ModelServiceStatus {
    const { knowledge, observation } = decided;
    return statusOf(knowledge, observation, decision, this.#parts.takeover(decided, word.active), word);
  }

  async #write({ knowledge }: Decided, status: Partial<ModelServiceStatus>): Promise<void> {
    const { hands } = this.#parts;
    const read = knowledge.cluster.service as unknown as LiveObject;
    // A merge keeps what is not named: the deadline of a wait, the way out of an escalation that are over.
    const { decision } = status;
    const cleared = decision === undefined ? {} : { decision: { until: null, fix: null, ...decision } };
    const change = { status: { ...status, ...cleared } };
    this.#parts.onWritten(await patchRead(hands, hands.paths.service, read, change, "status"));
    this.#wroteMs = performance.now();
  }

  #present({ knowledge }: Decided) {
    return this.#parts.gateways.present(knowledge.moment.monoMs);
  }

  #upkeep(decided: Decided) {
    return upkeep(this.#parts.hands, decided, this.#parts.gateways, this.#activeService?.object ?? null);
  }

  #heldBack({ action }: Act): Decision | null {
    const held = this.#held.get(JSON.stringify(action));
    return held === undefined || performance.now() >= held.untilMs ? null : held.shown;
  }
}
