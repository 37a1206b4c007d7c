import { type ChooseTiming, DEFAULT_TIMING } from "../../../src/failover/choose/timing.ts";
import type { Choice } from "../../../src/failover/choose.ts";
import { EvidenceIntake } from "../../../src/gateway/groups/evidence-intake.ts";
import type { Group } from "../../../src/gateway/groups/group.ts";
import { Switcher } from "../../../src/gateway/groups/switcher.ts";
import { MemoryRoles } from "../../../src/gateway/roles.ts";
import type { WatchClock } from "../../../src/gateway/watch-clock.ts";
import type { EvidenceFrame } from "../../../src/stream/frames.ts";
import { Stream } from "../world/stream.ts";
import type { SimServer } from "../world/types.ts";
import { GROUPS, type World } from "../world/world.ts";
import { Actor } from "./actor.ts";
import { SimTraffic } from "./traffic.ts";

/** The timer of the real switcher. */
const TICK_MS = 20;
const TIMING: ChooseTiming = DEFAULT_TIMING;
/** After each of these times something may be due that began then; every limit of the choice is one of them. */
const LIMITS_MS = [100, 320, 350, 600, 1_000, 2_000, 3_000, 5_000, 6_000, 10_000, 15_000, 30_000, 60_000] as const;

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
  #plannedMs = Number.POSITIVE_INFINITY;
  #plan = 0;
  /** Since when it uses the group that it uses. */
  sinceMs = 0;
  /** When it last moved by its own choice. */
  movedMs = Number.NEGATIVE_INFINITY;
  startedMs = 0;

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
          else this.#wakeIn(TICK_MS);
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
  begin(active: string, epoch: number): void {
    this.revive();
    this.startedMs = this.kernel.now;
    this.#roles = new MemoryRoles({ active, epoch, reason: "" });
    const world = this.#world;
    const now = () => this.kernel.now - this.#heldUpMs;
    const clock = { now, tick: () => {} } as unknown as WatchClock;
    const groups = [...world.groups.keys()].map((id) => {
      const servers = Object.entries(world.api.state.nodes).flatMap(([name, node]) =>
        node.group === id ? [name] : [],
      );
      return new SimTraffic(id, servers.length > 0 ? servers : (GROUPS[id] ?? []), world, this);
    });
    this.#traffic = new Map(groups.map((group) => [group.id, group]));
    const asGroup = (group: SimTraffic | undefined) => (group ?? null) as unknown as Group | null;
    const ownerOf = (name: string) => asGroup(groups.find(({ servers }) => servers.includes(name)));
    this.#intakes = this.#streams.map(({ server }) => new EvidenceIntake(server.name, () => ownerOf(server.name), clock));
    const views = this.#intakes.map((intake, at) => ({
      server: intake.server,
      get view() {
        return { ...intake.view, lastHeardMs: heard(at) };
      },
    }));
    const heard = (at: number) =>
      Math.max(this.#intakes[at]?.view.lastHeardMs ?? 0, (this.#streams[at] as Stream).lastHeardMs() - this.#heldUpMs);
    const hooks = {
      onChoice: (choice: Choice, before: { group: string }) => this.#chosen(choice, before.group),
      ask: (group: Group) => this.#traffic.get(group.id)?.ask(),
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
    this.sinceMs = this.kernel.now;
    for (const stream of this.#streams) stream.open();
    for (const group of groups) group.refresh();
    this.#wakeIn(TICK_MS);
  }

  override kill(): void {
    super.kill();
    for (const stream of this.#streams) stream.close();
  }

  override wake(): void {
    if (this.frozen) this.#heldUpMs += this.kernel.now - this.frozeMs;
    super.wake();
    this.#plannedMs = Number.POSITIVE_INFINITY;
    this.#wakeIn(1);
  }

  /** Its own watch clock, which stands still while it does. */
  watchNow(): number {
    return this.kernel.now - this.#heldUpMs;
  }

  /** The cluster's membership as its configuration has it changes with a new start of the gateway's view. */
  hear(server: SimServer, frame: EvidenceFrame): void {
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
  told(active: string, epoch: number): void {
    if (!this.#roles.set({ active, epoch, reason: "" }) || this.#switcher === null) return;
    this.#switcher.word = this.#roles.role;
    this.evaluate();
  }

  evaluate(): void {
    if (!this.runs || this.#switcher === null) return;
    this.#switcher.evaluate();
    this.#wakeAt(this.#nextDue());
  }

  #chosen(choice: Choice, before: string): void {
    this.#onChoice(this, choice, before);
    if (choice.kind === "use" && choice.group !== before) {
      this.sinceMs = this.kernel.now;
      if (choice.adoptEpoch === null) this.movedMs = this.kernel.now;
      this.#world.say(() => `${this.name} uses ${choice.group} (${choice.reason})`);
    } else if (choice.kind !== "use") this.#world.say(() => `${this.name} ${choice.kind}s (${choice.reason})`);
    this.after(0, () => {
      for (const group of this.#traffic.values()) group.refresh();
    });
  }

  /** The intake counts beats as heard when it is told of them. */
  #beat(at: number): void {
    const stream = this.#streams[at] as Stream;
    const heardMs = stream.lastHeardMs();
    if (!Number.isFinite(heardMs) || !stream.flows) return;
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
    let best = now + TIMING.canaryEveryMs;
    const from = (baseMs: number | null) => {
      if (baseMs === null) return;
      for (const limitMs of LIMITS_MS) {
        const dueMs = baseMs + limitMs;
        if (dueMs > now && dueMs < best) best = dueMs;
      }
    };
    for (const stream of this.#streams) if (!stream.flows) from(stream.lastHeardMs() - this.#heldUpMs);
    for (const group of this.#traffic.values()) {
      if (!group.flows) {
        from(group.lastTokenMs);
        from(group.waitingSinceMs);
      }
      from(group.canary.askedMs);
      from(group.canary.answeredMs);
      from(group.canary.failedMs);
      from(group.breaks.at(-1)?.atMs ?? null);
    }
    if (this.choice?.kind !== "use") best = Math.min(best, now + 100);
    return this.kernel.now + Math.ceil((best - now) / TICK_MS) * TICK_MS + 1;
  }
}
