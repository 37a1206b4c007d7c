import { flagsRung } from "../../failover/readiness/engine-rungs.ts";
import {
  assumed,
  bad,
  type GroupFacts,
  good,
  type ReadinessFacts,
  type Verdict,
} from "../../failover/readiness/facts.ts";
import { noTakeover, type RungName } from "../../failover/readiness/ladder.ts";
import { DEFAULT_READINESS_RULES, type ReadinessRules } from "../../failover/readiness/rules.ts";
import type { Outlook } from "../../failover/readiness/signs.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "../../health/rules.ts";
import type { TakeoverStatus } from "../../manifests/model-service/resource.ts";
import { EngineBook } from "./engine-book.ts";
import { EngineFailure } from "./engine-client.ts";
import { type GoldenOptions, proveAnswers, proveShapes } from "./golden-prover.ts";
import { identityOf, instanceOf } from "./identity.ts";
import { Jobs } from "./jobs.ts";
import { knownRungs } from "./known-rungs.ts";
import { Lookout } from "./lookout.ts";
import { References } from "./references.ts";
import { SCHEDULE, type Schedule } from "./schedule.ts";
import { ToldLadder } from "./told-ladder.ts";

export interface ReadinessOptions {
  /** What is known now; null before the cluster was read. Called every second, on the caller's own clock. */
  facts(): ReadinessFacts | null;
  /** What is heard of the active group at this moment; without it proofs go on whatever happens to that. */
  outlook?(): Outlook | null;
  /** The key that the gateways send to the engines; null where they need none. */
  engineKey: string | null;
  /** Called when the answer, a reason or a rung has changed; never twice with the same. */
  onChange(status: TakeoverStatus): void;
  /** Something that is our bug; the prober goes on. */
  onError(error: unknown): void;
  /** Proofs that ran were ended, since the standby may be needed now. */
  onYield?(reason: string): void;
  /** Of the plan (`spec.failover.longestStepMs`). */
  longestStepMs: number;
  healthRules?: HealthRules;
  rules?: ReadinessRules;
  schedule?: Partial<Schedule>;
}

/**
 * Proves again and again that the standby could take over right now. Evidence is looked at every second, the engine is asked
 * for its arguments, golden prompts go through all its ranks; all of it anew after every change of the group. The active
 * group is asked for its answers once a revision, and for one long prompt every ten minutes.
 */
export class ReadinessProber {
  readonly #options: ReadinessOptions;
  readonly #schedule: Schedule;
  readonly #rules: ReadinessRules;
  readonly #health: HealthRules;
  readonly #references = new References();
  readonly #engines: EngineBook;
  readonly #jobs: Jobs<"info" | "golden">;
  readonly #lookout: Lookout;
  readonly #told: ToldLadder;
  /** Of the standby that is being proved; another one starts from nothing. */
  #identity = "";
  #instance: string | null = null;
  #standbySinceMs = 0;
  #shapesDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
    this.#schedule = { ...SCHEDULE, ...options.schedule };
    this.#rules = options.rules ?? DEFAULT_READINESS_RULES;
    this.#health = options.healthRules ?? DEFAULT_HEALTH_RULES;
    this.#engines = new EngineBook(options.engineKey);
    this.#jobs = new Jobs((error) => options.onError(error));
    this.#told = new ToldLadder((status) => this.#closed || options.onChange(status));
    this.#lookout = new Lookout({
      outlook: () => options.outlook?.() ?? null,
      rules: this.#health,
      isBusy: () => this.#jobs.isBusy,
      onSign: (reason) => this.#yield(reason),
    });
  }

  start(): void {
    this.#tick();
  }

  /** The answer now, with the times at which each rung was last proved; `active` as {@link ToldLadder.latest} has it. */
  latest(active?: string): TakeoverStatus {
    return this.#told.latest(active);
  }

  /** The same for one group, in a sentence: only the group that stands by can be ready. */
  of(group: string): { ready: boolean; reason: string } {
    return this.#told.of(group);
  }

  /** Something was done to the standby: all proofs are void, and it is proved anew at once. `reason` is for the journal. */
  changed(reason: string): void {
    this.#reset(reason);
    clearTimeout(this.#timer);
    this.#tick();
  }

  /** Something was heard. While a proof runs it is looked at at once: the engine's queue belongs to who needs the standby. */
  heed(): void {
    if (this.#jobs.isBusy) this.#lookout.look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#lookout.close();
    clearTimeout(this.#timer);
    this.#jobs.stop();
    await this.#engines.close();
  }

  /** What is proved stays so; what runs is tried again when this is over. */
  #yield(reason: string): void {
    if (!this.#jobs.isBusy) return;
    this.#jobs.stop(this.#schedule.again);
    this.#options.onYield?.(reason);
  }

  #reset(reason: string): void {
    this.#jobs.stop();
    this.#standbySinceMs = performance.now();
    this.#engines.forget();
    this.#shapesDueMs = 0;
    this.#told.clear(reason);
  }

  #tick(): void {
    if (this.#closed) return;
    try {
      this.#look();
    } catch (error) {
      this.#options.onError(error);
    }
    this.#timer = setTimeout(() => this.#tick(), this.#schedule.look);
  }

  #look(): void {
    const facts = this.#options.facts();
    const standby = facts?.standby ?? null;
    const identity = standby === null ? "" : identityOf(standby);
    const instance = standby === null ? null : instanceOf(standby);
    const isRestarted = instance !== null && this.#instance !== null && instance !== this.#instance;
    if (instance !== null) this.#instance = instance;
    if (identity !== this.#identity || isRestarted) {
      const isFirst = this.#told.standby !== standby?.id;
      this.#told.standby = standby?.id ?? null;
      this.#identity = identity;
      this.#instance = instance;
      this.#reset(isFirst ? "it stands by now" : "its servers, pods or engine are other ones");
    }
    if (facts === null || standby === null) {
      this.#told.tell(noTakeover(facts === null ? "nothing is known yet" : "no group stands by"));
      return;
    }
    const engines = { standby: this.#engines.infoOf(standby), active: this.#engines.infoOf(facts.active) };
    this.#told.note(knownRungs(facts, standby, engines, this.#health, this.#rules));
    const { info, answers, again } = this.#schedule;
    this.#jobs.run("info", info, (signal) => this.#askInfo(standby, facts.active, signal));
    if (engines.standby !== null)
      this.#jobs.run("golden", again, (signal) =>
        this.#prove(standby, facts.active, signal).then((ok) => (ok ? answers : again)),
      );
    this.#lookout.look();
    this.#told.tell();
  }

  /** The arguments of both engines; the answer of the standby also shows that it takes the key. */
  async #askInfo(standby: GroupFacts, active: GroupFacts, signal: AbortSignal): Promise<number> {
    const { shortTimeout, activeInfo, info } = this.#schedule;
    await this.#engines.ask(active, signal, shortTimeout, activeInfo).catch(unlessFailure);
    try {
      await this.#engines.ask(standby, signal, shortTimeout);
      const key = this.#engines.hasKey ? "it takes the key of the gateways" : "it asks for no key";
      const engines = { standby: this.#engines.infoOf(standby), active: this.#engines.infoOf(active) };
      this.#told.note([
        ["keys", good(key)],
        ["flags", flagsRung(standby, active, engines)],
      ]);
    } catch (error) {
      signal.throwIfAborted();
      unlessFailure(error);
      const { kind, message } = error as EngineFailure;
      const names: RungName[] = kind === "key" ? ["keys"] : ["keys", "flags"];
      this.#told.note(names.map((name) => [name, bad(message)]));
    }
    this.#told.tell();
    return info;
  }

  /** One round of golden prompts; production shapes first where they are due, unless short answers are wrong already. */
  async #prove(standby: GroupFacts, active: GroupFacts, signal: AbortSignal): Promise<boolean> {
    const [mine, theirs] = [this.#engines.side(standby), this.#engines.side(active)];
    const options = this.#golden(signal);
    const short = await proveAnswers(mine, theirs, options);
    signal.throwIfAborted();
    this.#told.note(Object.entries(short) as [RungName, Verdict][]);
    this.#told.tell();
    if (short.answers?.ok !== true || short.speed?.ok !== true) return false;
    if (performance.now() < this.#shapesDueMs) return true;
    if (!this.#triesShapes(standby, active)) return true;
    // After the single prompts, never beside them: a full batch would look like a slow rank.
    const { shapes } = await proveShapes(mine, theirs, new Date().toISOString(), options);
    signal.throwIfAborted();
    this.#lookout.trust();
    if (shapes !== undefined) this.#told.note([["shapes", shapes]]);
    if (shapes?.ok === true) this.#shapesDueMs = performance.now() + this.#schedule.shapes;
    this.#told.tell();
    return shapes?.ok === true;
  }

  /**
   * Whether production shapes are tried now. A group that has just begun to stand by is likely to be needed, and so is one whose
   * active group is in trouble: a full batch and a long prompt would be in the way. Of another revision than the active group's
   * nobody knows anything, so that it is tried at once.
   */
  #triesShapes(standby: GroupFacts, active: GroupFacts): boolean {
    const { settle } = this.#schedule;
    const restMs = this.#standbySinceMs + settle - performance.now();
    if (standby.revision !== active.revision || restMs <= 0) return this.#lookout.isCalm(settle);
    const seconds = Math.ceil(restMs / 1000);
    this.#told.note([
      ["shapes", assumed(`short answers are right; tried out when it has stood by for ${seconds} s more`)],
    ]);
    this.#told.tell();
    return false;
  }

  #golden(signal: AbortSignal): GoldenOptions {
    return {
      references: this.#references,
      rules: this.#rules,
      longestStepMs: this.#options.longestStepMs,
      signal,
      shortTimeoutMs: this.#schedule.shortTimeout,
      longTimeoutMs: this.#schedule.longTimeout,
    };
  }
}

function unlessFailure(error: unknown): void {
  if (!(error instanceof EngineFailure)) throw error;
}
