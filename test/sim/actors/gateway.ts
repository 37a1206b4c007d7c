import { isRefusing } from "../../../src/failover/choose/suspicion.ts";
import { type ChooseTiming, DEFAULT_TIMING } from "../../../src/failover/choose/timing.ts";
import type { Choice } from "../../../src/failover/choose.ts";
import { EvidenceIntake } from "../../../src/gateway/groups/evidence-intake.ts";
import type { Group } from "../../../src/gateway/groups/group.ts";
import { Switcher } from "../../../src/gateway/groups/switcher.ts";
import { HoldUps } from "../../../src/gateway/hold-ups.ts";
import { MemoryRoles } from "../../../src/gateway/roles.ts";
import type { WatchClock } from "../../../src/gateway/watch-clock.ts";
import type { GatewayStatus } from "../../../src/reconciler/gateway-status.ts";
import type { EvidenceFrame } from "../../../src/stream/frames.ts";
import { BEAT_MS, Stream } from "../world/stream.ts";
import type { SimServer } from "../world/types.ts";
import { GROUPS, type World } from "../world/world.ts";
import { Actor } from "./actor.ts";
import { SimTraffic } from "./traffic.ts";

/** The timer of the real switcher. */
const TICK_MS = 20;
const TIMING: ChooseTiming = DEFAULT_TIMING;
/** Limits of the choice by what they count from; a tick between two of them decides nothing. */
const QUIET_MS = [320, 350, 600, 2_000, 10_000] as const;
const NO_TOKEN_MS = [320, 600, 1_000, 5_000, 6_000] as const;
const ASKED_MS = [1_000, 5_000] as const;
const STOPPED_MS = [1_000, 4_000] as const;
const ANSWERED_MS = [2_000] as const;
const ANSWERED_IN_QUIET_MS = [320, 600, 2_000, 6_000] as const;
const BROKE_MS = [1_000] as const;
const MOVED_MS = [3_000, 5_000] as const;
/** While held the real switcher asks ten times a second; here it is called when a group begins to answer. */
const HELD_MS = 2_000;
/** What the intake makes nothing of. */
const UNUSED: readonly string[] = ["gpus", "link"];

/** What the checks want to know of every choice. */
export type OnChoice = (gateway: SimGateway, choice: Choice, before: string) => void;

/** One replica: the real intake of evidence, the real switcher and the real choice, in virtual time. */
export class SimGateway extends Actor {
  readonly #world: World;
  readonly #onChoice: OnChoice;
  readonly #streams: Stream[] = [];
  #traffic = new Map<string, SimTraffic>();
  #intakes: EvidenceIntake[] = [];
  #switcher: Switcher | null = null;
  #roles: MemoryRoles;
  #heldUpMs = 0;
  readonly #holdUps = new HoldUps();
  #plannedMs = Number.POSITIVE_INFINITY;
  #plan = 0;
  /** Since when it uses the group that it uses. */
  sinceMs = 0;
  /** When it last moved by its own choice. */
  movedMs = Number.NEGATIVE_INFINITY;
  startedMs = 0;
  /** The epoch that it started with. */
  startEpoch = 0;

  constructor(name: string, world: World, onChoice: OnChoice) {
    super(name, world.kernel);
    this.#world = world;
    this.#onChoice = onChoice;
    this.#roles = new MemoryRoles({ active: "a", epoch: 1, reason: "" });
    for (const server of world.servers.values()) {
      const at = this.#streams.length;
      const stream = new Stream(world, this, server, {
        connection: (state) => {
          this.#beat(at);
          this.#intakes[at]?.connection(state);
          this.evaluate();
        },
        frame: (frame) => {
          if (this.#intakes[at]?.frame(frame)) this.evaluate();
          else if (frame.type !== "evidence" || !UNUSED.includes(frame.evidence.kind)) this.#wakeIn(TICK_MS);
        },
      });
      this.#streams.push(stream);
    }
  }

  get current(): string {
    return this.#switcher?.current ?? "a";
  }

  get epoch(): number {
    return this.#switcher?.adoptedEpoch ?? 0;
  }

  /** The last word that it heard. */
  get wordOf(): { active: string; epoch: number } {
    return this.#roles.role;
  }

  get choice(): Choice | null {
    return this.#switcher?.choice ?? null;
  }

  trafficOf(id: string): SimTraffic | undefined {
    return this.#traffic.get(id);
  }

  /** Starts with the highest word that it, its sibling or the cluster knows. */
  begin(active: string, epoch: number, members = GROUPS): void {
    this.revive();
    this.startedMs = this.kernel.now;
    this.startEpoch = epoch;
    this.#roles = new MemoryRoles({ active, epoch, reason: "" });
    const world = this.#world;
    const now = () => this.kernel.now - this.#heldUpMs;
    const before = (agoMs: number) => this.#holdUps.before(now(), agoMs);
    const clock = { now, before, tick: () => {} } as unknown as WatchClock;
    const groups = [...world.groups.keys()].map((id) => new SimTraffic(id, GROUPS[id] ?? [], world, this));
    this.#traffic = new Map(groups.map((group) => [group.id, group]));
    const groupOf = (name: string) =>
      (groups.find(({ servers }) => servers.includes(name)) ?? null) as unknown as Group | null;
    this.#intakes = this.#streams.map(
      ({ server }) => new EvidenceIntake(server.name, () => groupOf(server.name), clock),
    );
    const viewOf = (intake: EvidenceIntake, at: number) => {
      const { lastHeardMs, ...view } = intake.view;
      const beatMs = (this.#streams[at] as Stream).lastHeardMs() - this.#heldUpMs;
      return { ...view, lastHeardMs: Math.max(lastHeardMs, beatMs) };
    };
    const views = this.#intakes.map((intake, at) => ({
      server: intake.server,
      get view() {
        return viewOf(intake, at);
      },
    }));
    const hooks = {
      onChoice: (choice: Choice, before: { group: string }) => this.#chosen(choice, before.group),
      ask: (group: Group) => this.#traffic.get(group.id)?.ask(),
      onStranded: ({ group }: { group: string }) => void this.#traffic.get(group)?.refresh(),
      pendingSinceMs: () => null,
    };
    this.#switcher = new Switcher(
      { active, epoch },
      this.#traffic as unknown as ReadonlyMap<string, Group>,
      views as unknown as readonly EvidenceIntake[],
      clock,
      TIMING,
      hooks,
    );
    // Its timer is of the real clock; here virtual time calls it.
    this.#switcher.close();
    // Nobody reads it here, and half a minute of views of each gateway is most of what would have to be kept.
    this.#switcher.decisions.add = () => {};
    this.sinceMs = this.kernel.now;
    this.#assign(members);
    for (const stream of this.#streams) stream.open();
    this.#wakeIn(TICK_MS);
  }

  override kill(): void {
    super.kill();
    for (const stream of this.#streams) stream.close();
  }

  override wake(): void {
    if (this.frozen) {
      this.#holdUps.add(this.watchNow(), this.kernel.now - this.frozeMs);
      this.#heldUpMs += this.kernel.now - this.frozeMs;
    }
    super.wake();
    this.#plannedMs = Number.POSITIVE_INFINITY;
    for (const group of this.#traffic.values()) group.refresh();
    this.#wakeIn(1);
  }

  /** What its status tells of each server. */
  said(): GatewayStatus {
    const servers = this.#intakes.map((intake, at) => {
      const { stream } = intake.view;
      return [intake.server, { stream, silentMs: this.kernel.now - (this.#streams[at] as Stream).lastHeardMs() }];
    });
    return { servers: Object.fromEntries(servers) } as GatewayStatus;
  }

  /** When it was by the true clock, of a time of its own. */
  trueTime(watchMs: number | null): number {
    if (watchMs === null) return Number.NEGATIVE_INFINITY;
    return watchMs + this.#heldUpMs - this.#holdUps.since(watchMs);
  }

  /** Its own watch clock, which stands still while it does. */
  watchNow(): number {
    return (this.frozen ? this.frozeMs : this.kernel.now) - this.#heldUpMs;
  }

  /** Spares take places while the gateway runs. */
  #assign(members: Readonly<Record<string, readonly string[]>>): void {
    for (const group of this.#traffic.values()) group.servers = members[group.id] ?? group.servers;
    this.onTruth();
  }

  hear(server: SimServer, frame: EvidenceFrame): void {
    // That its agent lives is told by beats.
    if (UNUSED.includes(frame.evidence.kind)) return;
    this.#streams.find((stream) => stream.server === server)?.push(frame);
  }

  onFlow(server: SimServer): void {
    if (!this.alive) return;
    this.#streams.find((stream) => stream.server === server)?.refresh();
    this.#wakeIn(TICK_MS);
  }

  onTruth(): void {
    if (!this.alive) return;
    for (const group of this.#traffic.values()) if (group.refresh()) this.#wakeIn(TICK_MS);
  }

  /** The reconciler's word, as it came. */
  told(active: string, epoch: number, members: Readonly<Record<string, readonly string[]>>): void {
    this.#assign(members);
    if (!this.#roles.set({ active, epoch, reason: "" }) || this.#switcher === null) return;
    this.#switcher.word = this.#roles.role;
    this.evaluate();
  }

  evaluate(): void {
    if (!this.runs || this.#switcher === null) return;
    this.#switcher.evaluate();
    this.#settle();
    this.#wakeAt(this.#nextDue());
  }

  /** A group goes on as it did, unless a silence is young or a move is to be judged: then its next answer decides. */
  #settle(): void {
    const { choice } = this;
    const isCalm = this.#isJudged && !this.#isQuiet;
    for (const group of this.#traffic.values()) {
      const isClear = choice?.suspicions.some((one) => one.group === group.id && one.state === "clear");
      if (isCalm && isClear && choice?.kind === "use") group.rest("answeredMs");
      else if (isCalm && this.#isWithout(group.id)) group.rest("failedMs");
      else group.stir();
    }
  }

  /** A server fell silent so lately that its group is asked more often. */
  get #isQuiet(): boolean {
    const sinceMs = this.watchNow() - TIMING.goneAfterMs + this.#heldUpMs;
    return this.#streams.some((stream) => !stream.flows && stream.lastHeardMs() > sinceMs);
  }

  get #isJudged(): boolean {
    return (this.#switcher?.moves ?? []).every(({ proof, settled }) => proof || settled);
  }

  /** A group refuses as it did when it was asked before: mostly the choice is what it was, too. */
  sameRefusal(id: string): void {
    if (!this.#isWithout(id)) this.evaluate();
    else if (this.runs) {
      // What is due within a tick may have passed its limit already: no new plan would find that again.
      if (this.#plannedMs > this.kernel.now + TICK_MS + 1) this.#plannedMs = Number.POSITIVE_INFINITY;
      this.#settle();
      this.#wakeAt(this.#nextDue());
    }
  }

  /** The group is not used, and is suspect already. */
  #isWithout(id: string): boolean {
    const { choice, current } = this.#switcher ?? {};
    if (choice === undefined || choice === null || (choice.kind === "use" && current === id)) return false;
    return choice.suspicions.some(({ group, state }) => group === id && state === "suspect");
  }

  #chosen(choice: Choice, before: string): void {
    this.#onChoice(this, choice, before);
    if (choice.kind === "use" && choice.group !== before) {
      this.sinceMs = this.kernel.now;
      if (choice.adoptEpoch === null) this.movedMs = this.kernel.now;
      this.#world.say(() => `${this.name} uses ${choice.group} (${choice.reason})`);
    } else if (choice.kind !== "use") this.#world.say(() => `${this.name} ${choice.kind}s (${choice.reason})`);
    this.after(0, () => {
      // The group that was left has no tokens to go by from now on: it is asked.
      for (const group of this.#traffic.values()) if (group.refresh()) this.#wakeIn(TICK_MS);
    });
  }

  /** The intake counts beats as heard when it is told of them. */
  #beat(at: number): void {
    const stream = this.#streams[at] as Stream;
    const heardMs = stream.lastHeardMs();
    if (this.kernel.now - heardMs > BEAT_MS + 50) return;
    this.#intakes[at]?.frame({ type: "beat", seq: stream.lastSeq, monoMs: 0, wallMs: 0 });
  }

  #wakeIn(ms: number): void {
    this.#wakeAt(this.kernel.now + ms);
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#plannedMs && this.#plannedMs >= this.kernel.now) return;
    this.#plannedMs = atMs;
    this.#plan += 1;
    const plan = this.#plan;
    this.after(Math.max(0, atMs - this.kernel.now), () => {
      if (plan !== this.#plan) return;
      this.#plannedMs = Number.POSITIVE_INFINITY;
      this.evaluate();
    });
  }

  /** The next tick at which a limit may be passed. */
  #nextDue(): number {
    const now = this.watchNow();
    let best = now + 4 * TIMING.canaryEveryMs;
    const from = (baseMs: number | null, limits: readonly number[]) => {
      if (baseMs === null) return;
      for (const limitMs of limits) {
        const dueMs = baseMs + limitMs;
        if (dueMs <= now) continue;
        // They are in order: the ones after it are later.
        if (dueMs < best) best = dueMs;
        return;
      }
    };
    const isQuiet = this.#isQuiet;
    for (const stream of this.#streams) if (!stream.flows) from(stream.lastHeardMs() - this.#heldUpMs, QUIET_MS);
    for (const { view } of this.#intakes) from(view.stopped?.sinceMs ?? null, STOPPED_MS);
    for (const group of this.#traffic.values()) {
      if (!group.flows && group.waitingSinceMs !== null) {
        from(group.lastTokenMs, NO_TOKEN_MS);
        from(group.waitingSinceMs, NO_TOKEN_MS);
      }
      from(group.breaks.at(-1)?.atMs ?? null, BROKE_MS);
      if (group.isRoutine) continue;
      const { askedMs, answeredMs, failedMs } = group.canary;
      // The group in use is asked so long after its last token, too; of streams that flow the next one is always near.
      if (group.id === this.current && askedMs === null && !group.flows) from(group.lastTokenMs, ANSWERED_MS);
      // What waits for an answer waits anew with each token.
      if (askedMs !== null && !group.flows) from(group.lastTokenMs, ASKED_MS);
      else if (isQuiet && !group.flows) from(group.lastTokenMs, ANSWERED_IN_QUIET_MS);
      // A refusal stands until an answer, and comes before what a question without one means.
      if (!isRefusing(group)) from(askedMs, ASKED_MS);
      from(answeredMs, isQuiet ? ANSWERED_IN_QUIET_MS : ANSWERED_MS);
      from(failedMs, isQuiet ? ANSWERED_IN_QUIET_MS : ANSWERED_MS);
    }
    from(this.movedMs - this.#heldUpMs, MOVED_MS);
    const { choice } = this;
    const isRoutine = [...this.#traffic.values()].every((group) => group.isRoutine);
    if (choice?.kind !== "use" && !isRoutine) best = Math.min(best, now + HELD_MS);
    if (choice?.kind === "hold") best = Math.min(best, Math.max(choice.untilMs, now));
    return this.kernel.now + Math.ceil((best - now) / TICK_MS) * TICK_MS + 1;
  }
}
