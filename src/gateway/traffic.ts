import { type BrokenStream, resumePlan } from "../failover/choose/resume.ts";
import type { Break } from "../failover/choose/view.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { Group } from "./groups/group.ts";
import { notContinued, overloaded, RefusedRequest } from "./http/refused-request.ts";
import type { ModelTraits } from "./model-traits.ts";
import { PoisonList } from "./poison.ts";
import type { Outcome, Rider, RiderHost } from "./stream/rider.ts";
import type { TrafficEvents, TrafficLimits } from "./traffic-events.ts";
import { TurnedAway } from "./turned-away.ts";
import type { WatchClock } from "./watch-clock.ts";

/** A stream whose connection broke waits so long for a verdict on its group before it is tried again by itself. */
const VERDICT_MS = 120;

/** All requests in the gateway's hands: admits them, carries them over when their group is left, ends what cannot go on. */
export class Traffic implements RiderHost {
  readonly model: ModelTraits;
  readonly limits: TrafficLimits;
  readonly riders = new Set<Rider>();
  readonly dispatcher: Dispatcher;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #clock: WatchClock;
  readonly #events: TrafficEvents;
  readonly #poison: PoisonList;
  readonly #turnedAway: TurnedAway;
  readonly #limbo = new Set<Rider>();
  /** Broken before an engine took them: such a request cannot have crashed anything. */
  readonly #untouched = new WeakSet<Rider>();
  readonly #deadlines = new Map<Rider, NodeJS.Timeout>();
  readonly #brokeAtMs = new Map<Rider, number>();
  readonly #admittedMs = new Map<Rider, number>();
  readonly #firstSeen = new WeakSet<Rider>();
  /** Nobody can be used and the deadline is over: refused at once. */
  #shed: { reason: string; retryAfterSeconds: number } | null = null;
  #limboTimer: NodeJS.Timeout | null = null;

  constructor(
    model: ModelTraits,
    limits: TrafficLimits,
    groups: ReadonlyMap<string, Group>,
    clock: WatchClock,
    events: TrafficEvents,
  ) {
    this.model = model;
    this.limits = limits;
    this.#groups = groups;
    this.#clock = clock;
    this.#events = events;
    this.#poison = new PoisonList(limits.poisonForMs);
    this.dispatcher = new Dispatcher(limits);
    this.#turnedAway = new TurnedAway(clock, (rider, isSuspect) =>
      this.dispatcher.resume(isSuspect ? [] : [rider], isSuspect ? [rider] : []),
    );
  }

  now(): number {
    return this.#clock.now();
  }

  group(id: string): Group {
    const group = this.#groups.get(id);
    if (group === undefined) throw new Error(`no group ${id}`);
    return group;
  }

  /** Throws if no request is to be taken now; asked before the body of one is read. */
  assertRoom(current: Group): void {
    if (this.#shed !== null)
      throw new RefusedRequest(503, `no group can serve: ${this.#shed.reason}`, { code: "no_group", ...this.#shed });
    const queued = current.engine?.queued ?? 0;
    if (this.riders.size >= this.limits.maxRequests || queued > this.limits.maxEngineQueue) throw overloaded();
  }

  /** Throws if this request is not to be taken now. */
  assertAdmitted(fingerprint: string, current: Group): void {
    this.assertRoom(current);
    const left = this.#poison.left(fingerprint, this.now());
    if (left > 0)
      throw new RefusedRequest(
        422,
        "engines crashed twice while they worked on this request; it is refused for a while",
        {
          code: "poison_suspected",
          retryAfterSeconds: Math.ceil(left / 1000),
        },
      );
  }

  admit(rider: Rider): void {
    this.riders.add(rider);
    this.#admittedMs.set(rider, this.now());
    const deadline = setTimeout(
      () =>
        rider.refuse(
          new RefusedRequest(504, `not finished after ${this.limits.totalDeadlineMs / 1000} s`, { code: "deadline" }),
        ),
      this.limits.totalDeadlineMs,
    );
    this.#deadlines.set(rider, deadline);
    this.dispatcher.submit(rider);
  }

  /** Requests go to `group` from now on; with `carry` those of other groups are moved there. */
  use(group: string, { carry, software }: { carry: boolean; software: boolean }): void {
    this.#shed = null;
    if (carry) {
      const moving = [...this.riders].filter(
        (rider) => (rider.group !== null && rider.group !== group) || this.#limbo.has(rider),
      );
      // Nothing may start on the group that is being left while its streams are lined up.
      this.dispatcher.use(null);
      this.#reissue(moving, software);
    }
    this.dispatcher.use(group);
    if (carry) this.#turnedAway.release();
  }

  /** The streams of one group go on in the group that is used. */
  carryFrom(group: string, software: boolean): void {
    this.#reissue(
      [...this.riders].filter((rider) => rider.group === group),
      software,
    );
  }

  /** No group can be used: streams of suspect groups stay with them, in case those go on after all. */
  hold(): void {
    this.#shed = null;
    this.dispatcher.use(null);
  }

  /** When the longest-waiting request came that no group has; null if all have one. */
  get pendingSinceMs(): number | null {
    // In the order in which they came.
    for (const [rider, atMs] of this.#admittedMs) if (rider.group === null) return atMs;
    return null;
  }

  shed(reason: string, retryAfterSeconds: number): void {
    this.dispatcher.use(null);
    this.#shed = { reason, retryAfterSeconds };
    const error = () =>
      new RefusedRequest(503, `no group can serve: ${reason}`, { code: "no_group", retryAfterSeconds });
    for (const rider of [...this.riders]) rider.refuse(error());
  }

  onFirstToken(rider: Rider): void {
    this.dispatcher.prefilled(rider);
    this.#events.onRunning();
    this.#turnedAway.forget(rider);
    const admittedMs = this.#admittedMs.get(rider);
    if (admittedMs !== undefined && !this.#firstSeen.has(rider)) this.#events.onFirstToken(this.now() - admittedMs);
    this.#firstSeen.add(rider);
    const brokeAt = this.#brokeAtMs.get(rider);
    if (brokeAt === undefined) return;
    this.#brokeAtMs.delete(rider);
    this.#events.onContinued(rider, this.now() - brokeAt);
  }

  onCleared(rider: Rider): void {
    this.dispatcher.cleared(rider);
  }

  onBroken(rider: Rider, group: Group, how: Break["how"]): void {
    group.sawBreak(how);
    this.#markBroken(rider);
    this.#limbo.add(rider);
    if (how === "refused") this.#untouched.add(rider);
    this.#limboTimer ??= setTimeout(() => {
      this.#limboTimer = null;
      this.#reissue([...this.#limbo], true);
    }, VERDICT_MS);
    this.#events.onBreak();
  }

  onTurnedAway(rider: Rider, error: RefusedRequest, retryAfterS: number | null): void {
    this.#markBroken(rider);
    const isSuspect = rider === this.dispatcher.probation;
    this.dispatcher.left(rider);
    const { stuck } = rider;
    if (stuck !== null) rider.refuse(notContinued(`the engine gave this answer up (${error.message})`, stuck));
    else if (!this.#turnedAway.add(rider, isSuspect, retryAfterS)) rider.refuse(error);
  }

  onOver(rider: Rider, outcome: Outcome): void {
    this.riders.delete(rider);
    this.#turnedAway.forget(rider);
    this.#limbo.delete(rider);
    this.#brokeAtMs.delete(rider);
    this.#admittedMs.delete(rider);
    clearTimeout(this.#deadlines.get(rider));
    this.#deadlines.delete(rider);
    this.dispatcher.left(rider);
    this.#events.onOver(rider, outcome);
  }

  #markBroken(rider: Rider): void {
    if (!this.#brokeAtMs.has(rider)) this.#brokeAtMs.set(rider, rider.lastTokenMs > 0 ? rider.lastTokenMs : this.now());
  }

  #reissue(riders: readonly Rider[], software: boolean): void {
    const probation = this.dispatcher.probation;
    const broken: BrokenStream[] = [];
    const byId = new Map<string, Rider>();
    for (const rider of riders) {
      this.#limbo.delete(rider);
      this.#markBroken(rider);
      const wasOnProbation = rider === probation;
      rider.leave();
      if (rider.over) continue;
      this.dispatcher.left(rider);
      const { stuck } = rider;
      if (stuck !== null) {
        rider.refuse(notContinued("the group that wrote this answer failed", stuck));
        continue;
      }
      if (software && !this.#untouched.delete(rider)) rider.strikes += 1;
      byId.set(rider.id, rider);
      const { id, contextTokens, legTokens, strikes } = rider;
      broken.push({ id, contextTokens, legTokens, strikes, wasOnProbation });
    }
    const plan = resumePlan(broken, software);
    const pick = (ids: readonly string[]) => ids.flatMap((id) => byId.get(id) ?? []);
    for (const rider of pick(plan.end)) {
      this.#poison.add(rider.request.fingerprint, this.now());
      this.#events.onPoison(rider);
      const message = "engines crashed again and again while they worked on this request";
      rider.refuse(
        new RefusedRequest(422, message, {
          code: "poison_suspected",
          retryAfterSeconds: Math.ceil(this.limits.poisonForMs / 1000),
        }),
      );
    }
    this.dispatcher.resume(pick(plan.together), pick(plan.oneByOne));
  }
}
