import { flagsRung } from "../../failover/readiness/engine-rungs.ts";
import { bad, type GroupFacts, good, type ReadinessFacts, type Verdict } from "../../failover/readiness/facts.ts";
import {
  type Ladder,
  noTakeover,
  noted,
  type RungName,
  sameTakeover,
  takeoverOf,
} from "../../failover/readiness/ladder.ts";
import { latest } from "../../failover/readiness/latest.ts";
import { DEFAULT_READINESS_RULES, type ReadinessRules } from "../../failover/readiness/rules.ts";
import { DEFAULT_HEALTH_RULES, type HealthRules } from "../../health/rules.ts";
import type { TakeoverStatus } from "../../manifests/model-service/resource.ts";
import { EngineBook } from "./engine-book.ts";
import { EngineFailure } from "./engine-client.ts";
import { type GoldenOptions, proveAnswers, proveShapes } from "./golden-prover.ts";
import { Jobs } from "./jobs.ts";
import { knownRungs } from "./known-rungs.ts";
import { References } from "./references.ts";
import { SCHEDULE, type Schedule } from "./schedule.ts";

export interface ReadinessOptions {
  /** What is known now; null before the cluster was read. Called every second, on the caller's own clock. */
  facts(): ReadinessFacts | null;
  /** The key that the gateways send to the engines; null where they need none. */
  engineKey: string | null;
  /** Called when the answer, a reason or a rung has changed; never twice with the same. */
  onChange(status: TakeoverStatus): void;
  /** Something that is our bug; the prober goes on. */
  onError(error: unknown): void;
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
  /** Of the standby that is being proved; another one starts from nothing. */
  #identity = "";
  #instance: string | null = null;
  #standby: string | null = null;
  #ladder: Ladder = {};
  #shapesDueMs = 0;
  #status: TakeoverStatus = noTakeover("nothing is known yet");
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
    this.#schedule = { ...SCHEDULE, ...options.schedule };
    this.#rules = options.rules ?? DEFAULT_READINESS_RULES;
    this.#health = options.healthRules ?? DEFAULT_HEALTH_RULES;
    this.#engines = new EngineBook(options.engineKey);
    this.#jobs = new Jobs((error) => options.onError(error));
  }

  start(): void {
    this.#tick();
  }

  /** The answer now, with the times at which each rung was last proved. */
  latest(): TakeoverStatus {
    return this.#standby === null ? this.#status : takeoverOf(this.#ladder, this.#standby, Date.now());
  }

  /** The same for one group, in a sentence: only the group that stands by can be ready. */
  of(group: string): { ready: boolean; reason: string } {
    if (group !== this.#standby)
      return {
        ready: false,
        reason: `not proved: ${this.#standby === null ? "no group" : `group ${this.#standby}`} stands by`,
      };
    const { ready, reasons } = this.latest();
    return { ready, reason: ready ? "every rung is proved" : reasons.join("; ") };
  }

  /** Something was done to the standby: all proofs are void, and it is proved anew at once. `reason` is for the journal. */
  changed(reason: string): void {
    this.#reset(reason);
    clearTimeout(this.#timer);
    this.#tick();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#jobs.stop();
    await this.#engines.close();
  }

  #reset(reason: string): void {
    this.#jobs.stop();
    this.#engines.forget();
    this.#ladder = {};
    this.#shapesDueMs = 0;
    if (this.#standby !== null) this.#tell(noTakeover(`group ${this.#standby} is proved anew: ${reason}`));
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
      const isFirst = this.#standby !== standby?.id;
      this.#standby = standby?.id ?? null;
      this.#identity = identity;
      this.#instance = instance;
      this.#reset(isFirst ? "it stands by now" : "its servers, pods or engine are other ones");
    }
    if (facts === null || standby === null) {
      this.#tell(noTakeover(facts === null ? "nothing is known yet" : "no group stands by"));
      return;
    }
    const engines = { standby: this.#engines.infoOf(standby), active: this.#engines.infoOf(facts.active) };
    this.#note(knownRungs(facts, standby, engines, this.#health, this.#rules));
    const { info, answers, again } = this.#schedule;
    this.#jobs.run("info", info, (signal) => this.#askInfo(standby, facts.active, signal));
    if (engines.standby !== null)
      this.#jobs.run("golden", again, (signal) =>
        this.#prove(standby, facts.active, signal).then((ok) => (ok ? answers : again)),
      );
    this.#tell(this.latest());
  }

  /** The arguments of both engines; the answer of the standby also shows that it takes the key. */
  async #askInfo(standby: GroupFacts, active: GroupFacts, signal: AbortSignal): Promise<number> {
    const { shortTimeout, activeInfo, info } = this.#schedule;
    await this.#engines.ask(active, signal, shortTimeout, activeInfo).catch(unlessFailure);
    try {
      await this.#engines.ask(standby, signal, shortTimeout);
      const key = this.#engines.hasKey ? "it takes the key of the gateways" : "it asks for no key";
      const engines = { standby: this.#engines.infoOf(standby), active: this.#engines.infoOf(active) };
      this.#note([
        ["keys", good(key)],
        ["flags", flagsRung(standby, active, engines)],
      ]);
    } catch (error) {
      signal.throwIfAborted();
      unlessFailure(error);
      const verdict = bad((error as EngineFailure).message);
      this.#note(
        (error as EngineFailure).kind === "key"
          ? [["keys", verdict]]
          : [
              ["keys", verdict],
              ["flags", verdict],
            ],
      );
    }
    this.#tell(this.latest());
    return info;
  }

  /** One round of golden prompts; production shapes first where they are due, unless short answers are wrong already. */
  async #prove(standby: GroupFacts, active: GroupFacts, signal: AbortSignal): Promise<boolean> {
    const [mine, theirs] = [this.#engines.side(standby), this.#engines.side(active)];
    const options = this.#golden(signal);
    const short = await proveAnswers(mine, theirs, options);
    signal.throwIfAborted();
    this.#note(Object.entries(short) as [RungName, Verdict][]);
    this.#tell(this.latest());
    if (short.answers?.ok !== true || short.speed?.ok !== true) return false;
    if (performance.now() < this.#shapesDueMs) return true;
    // After the single prompts, never beside them: a full batch would look like a slow rank.
    const { shapes } = await proveShapes(mine, theirs, new Date().toISOString(), options);
    signal.throwIfAborted();
    if (shapes !== undefined) this.#note([["shapes", shapes]]);
    if (shapes?.ok === true) this.#shapesDueMs = performance.now() + this.#schedule.shapes;
    this.#tell(this.latest());
    return shapes?.ok === true;
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

  #note(verdicts: readonly [RungName, Verdict][]): void {
    const atMs = Date.now();
    for (const [name, verdict] of verdicts) this.#ladder = noted(this.#ladder, name, verdict, atMs);
  }

  #tell(status: TakeoverStatus): void {
    const same = sameTakeover(status, this.#status);
    this.#status = status;
    if (!same && !this.#closed) this.#options.onChange(status);
  }
}

function unlessFailure(error: unknown): void {
  if (!(error instanceof EngineFailure)) throw error;
}

/** Another value is another thing to prove: other servers, pods or revision. */
function identityOf({ id, revision, engine, servers, pods }: GroupFacts): string {
  const names = servers.map(({ evidence }) => evidence.server);
  const uids = (pods ?? []).map(({ uid }) => uid).sort();
  return JSON.stringify([id, revision, engine, names, uids]);
}

/** Another one is an engine that was started anew; null while an agent that has just started has not found it yet. */
function instanceOf({ id, servers }: GroupFacts): string | null {
  const found = servers.flatMap(
    ({ evidence }) => latest(evidence, "engine", ({ group }) => group === id)?.instance ?? [],
  );
  return found[0] ?? null;
}
