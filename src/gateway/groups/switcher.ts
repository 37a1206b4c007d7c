import { settleMoves, type Wellness, wellnessOf } from "../../failover/choose/dwell.ts";
import { isProven } from "../../failover/choose/proven.ts";
import { strandedOf } from "../../failover/choose/stranded.ts";
import { faultStands, type Suspicion } from "../../failover/choose/suspicion.ts";
import type { ChooseTiming } from "../../failover/choose/timing.ts";
import type { GatewayView, GroupView, Move, ServerView } from "../../failover/choose/view.ts";
import { type Choice, choose } from "../../failover/choose.ts";
import { untilAligned } from "../../stream/aligned-timer.ts";
import type { Role } from "../roles.ts";
import type { WatchClock } from "../watch-clock.ts";
import { DecisionLog } from "./decision-log.ts";
import type { EvidenceIntake } from "./evidence-intake.ts";
import type { Group } from "./group.ts";

const TICK_MS = 20;
/** While this gateway has no request and suspects nobody: each tick wakes the process up, all day long, one of five with a beat. */
const IDLE_TICK_MS = 50;
/** The clock needs each of them; the choice is made at every so many. No stream waits then, and what is heard is acted on at once. */
const IDLE_TICKS_PER_LOOK = 3;

export interface SwitcherHooks {
  /** The outcome changed: another group, held, or shed. */
  onChoice(choice: Choice, before: { group: string; sinceMs: number }): void;
  /** Requests are in a group that is not used, and that something speaks against. */
  onStranded(suspicion: Suspicion): void;
  ask(group: Group): void;
  /** Since when the longest-waiting request has had no group. */
  pendingSinceMs(): number | null;
}

/** Runs the choice on every event and every tick, and remembers what the next choice must know. */
export class Switcher {
  current: string;
  choice: Choice | null = null;
  adoptedEpoch: number;
  word: Role | null = null;
  moves: Move[] = [];
  readonly decisions = new DecisionLog();
  #heldSinceMs: number | null = null;
  #pardonedMs: number | null = null;
  #startUntilMs: number | null;
  readonly #wellness = new Map<string, Wellness>();
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #intakes: readonly EvidenceIntake[];
  readonly #clock: WatchClock;
  readonly #timing: ChooseTiming;
  readonly #hooks: SwitcherHooks;
  #timer: NodeJS.Timeout | undefined;
  #idleTicks = 0;

  constructor(
    start: { active: string; epoch: number },
    groups: ReadonlyMap<string, Group>,
    intakes: readonly EvidenceIntake[],
    clock: WatchClock,
    timing: ChooseTiming,
    hooks: SwitcherHooks,
  ) {
    this.current = start.active;
    this.adoptedEpoch = start.epoch;
    this.#groups = groups;
    this.#intakes = intakes;
    this.#clock = clock;
    this.#timing = timing;
    this.#startUntilMs = clock.now() + timing.firstLoadMs;
    this.#hooks = hooks;
    this.#schedule();
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.#clock.tick();
        // First: what it throws must not be the end of all ticks.
        this.#schedule();
        this.#idleTicks = this.#isIdle ? (this.#idleTicks + 1) % IDLE_TICKS_PER_LOOK : 0;
        if (this.#idleTicks === 0) this.evaluate();
      },
      this.#isIdle ? untilAligned(IDLE_TICK_MS, Date.now()) : TICK_MS,
    );
  }

  get #isIdle(): boolean {
    const { choice } = this;
    if (choice?.kind !== "use") return false;
    for (const { passengers } of this.#groups.values()) if (passengers.size > 0) return false;
    if (this.#hooks.pendingSinceMs() !== null) return false;
    return choice.suspicions.every(({ state }) => state === "clear");
  }

  get view(): GatewayView {
    return {
      atMs: this.#clock.now(),
      current: this.current,
      moves: this.moves,
      word: this.word,
      adoptedEpoch: this.adoptedEpoch,
      heldSinceMs: this.#heldSinceMs,
      pardonedMs: this.#pardonedMs,
      startUntilMs: this.#startUntilMs,
      pendingSinceMs: this.#startUntilMs === null ? null : this.#hooks.pendingSinceMs(),
      groups: [...this.#groups.values()].map((group) => this.#groupView(group)),
    };
  }

  #groupView(group: Group): GroupView {
    const servers: ServerView[] = [];
    for (const intake of this.#intakes) if (group.servers.includes(intake.server)) servers.push(intake.view);
    const { id, faults, breaks, lastTokenMs, waitingSinceMs, passengers, engine } = group;
    return {
      id,
      servers,
      faults,
      breaks,
      lastTokenMs,
      waitingSinceMs,
      passengers: passengers.size,
      canary: { ...group.canary },
      engine: engine?.state ?? null,
      wellSinceMs: this.#wellness.get(id)?.wellSinceMs ?? null,
      hasServed: group.hasServed || group.canary.answeredMs !== null,
    };
  }

  evaluate(): void {
    let { view } = this;
    const moves = settleMoves(this.moves, view, this.#timing);
    if (moves.some((move, at) => move !== this.moves[at])) {
      this.moves = moves;
      view = this.view;
    }
    for (const group of this.#groups.values()) {
      const own = view.groups.find(({ id }) => id === group.id);
      if (own !== undefined && group.faults.length > 0)
        group.faults = group.faults.filter((fault) => faultStands(fault, own));
    }
    const choice = choose(view, this.#timing);
    const before = this.choice;
    this.choice = choice;
    for (const id of choice.canaries) {
      const group = this.#groups.get(id);
      if (group !== undefined) this.#hooks.ask(group);
    }
    this.#remember(choice, view);
    const changed =
      before === null ||
      before.kind !== choice.kind ||
      (choice.kind === "use" && choice.group !== view.current) ||
      // Held on, but for another thing.
      (choice.kind === "hold" && before.kind === "hold" && choice.untilMs !== before.untilMs);
    this.decisions.add(view, choice, changed);
    if (changed) this.#hooks.onChoice(choice, { group: view.current, sinceMs: sinceOf(choice, view) });
    // A move that carries streams has left nobody behind: their group has no passengers any more.
    else for (const suspicion of strandedOf(view, choice)) this.#hooks.onStranded(suspicion);
  }

  #remember(choice: Choice, view: GatewayView): void {
    for (const group of view.groups) {
      const before = this.#wellness.get(group.id);
      this.#wellness.set(group.id, wellnessOf(group, choice.suspicions, before, view, this.#timing));
      if (choice.kind === "use" && group.id === choice.group && isProven(group, view, this.#timing))
        this.#startUntilMs = null;
    }
    if (choice.kind !== "use") {
      this.#heldSinceMs ??= view.atMs;
      return;
    }
    this.#heldSinceMs = null;
    if (choice.adoptEpoch !== null) this.adoptedEpoch = choice.adoptEpoch;
    if (choice.pardon) this.#pardonedMs = view.atMs;
    if (choice.group === view.current) return;
    if (!choice.pardon) this.#pardonedMs = null;
    if (choice.adoptEpoch === null) {
      const proof = choice.suspicions.some((one) => one.group === view.current && one.state === "suspect" && one.proof);
      this.moves = [...this.moves.slice(-31), { atMs: view.atMs, from: view.current, to: choice.group, proof }];
    }
    this.current = choice.group;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

function sinceOf(choice: Choice, { current, atMs }: GatewayView): number {
  return choice.suspicions.find(({ group, state }) => group === current && state === "suspect")?.sinceMs ?? atMs;
}
