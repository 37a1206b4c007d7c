import { DEFAULT_TIMING } from "../../../src/failover/choose/timing.ts";
import type { Break, CanaryView, Fault } from "../../../src/failover/choose/view.ts";
import type { SimServer } from "../world/types.ts";
import type { World } from "../world/world.ts";
import type { SimGateway } from "./gateway.ts";

const STEP_MS = 25;
const EVERY_MS = DEFAULT_TIMING.canaryEveryMs;
const CONNECT_MS = 1_000;
const CANARY_GIVE_UP_MS = 30_000;
/** Whether the world has come to answer is looked for so often. */
const POLL_MS = 500;
/** A question that was asked within this time after the last refusal: nothing lies between the two. */
const AGAIN_MS = 3_000;
/** A broken request is tried again on its group if no move was made until then. */
const RETRY_MS = 120;

type Outcome = "answeredMs" | "failedMs";

/**
 * What a gateway has of one group: its requests in it, its canaries, what broke. It stands where `groups/group.ts` stands in
 * the real gateway, with the world in place of sockets.
 */
export class SimTraffic {
  readonly id: string;
  servers: readonly string[];
  breaks: Break[] = [];
  faults: Fault[] = [];
  hasServed = true;
  engine: {
    instance: string;
    state: "starting" | "serving" | "unhealthy" | "unreachable";
    tokensTotal: number;
    queued: number;
  } | null = null;
  /** Since when the leader answers this gateway, in true time; null while it does not. For checks alone. */
  answersSinceMs: number | null = null;
  /** When it last did. */
  answeredUntilMs = 0;
  /** Tokens of this gateway's requests arrive. */
  flows = false;
  readonly #world: World;
  readonly #gateway: SimGateway;
  #tokenMs: number | null = null;
  #waitingMs: number | null = null;
  #leader = -1;
  #canary: Readonly<CanaryView> = { askedMs: null, answeredMs: null, failedMs: null };
  #question = 0;
  /** What it answers is always the same: the last outcome, and how long one takes. */
  #routine: { field: Outcome; atMs: number; tookMs: number; sight: string } | null = null;
  /** Of the last question: how long it took, and what was to be seen when it was asked. */
  #tookMs = 0;
  #sightAsked = "";

  constructor(id: string, servers: readonly string[], world: World, gateway: SimGateway) {
    this.id = id;
    this.servers = servers;
    this.#world = world;
    this.#gateway = gateway;
  }

  get lastTokenMs(): number | null {
    if (!this.flows) return this.#tokenMs;
    const now = this.#gateway.watchNow();
    return now - (now % STEP_MS);
  }

  get waitingSinceMs(): number | null {
    return this.flows ? this.lastTokenMs : this.#waitingMs;
  }

  /** In routine nothing is asked: question and outcome are worked out when somebody wants to know, as the beats of a stream are. */
  get canary(): Readonly<CanaryView> {
    if (this.#routine === null) return this.#canary;
    const { field, atMs, tookMs } = this.#routine;
    const now = this.#gateway.watchNow();
    const outcomeMs = now - ((now - atMs) % (EVERY_MS + tookMs));
    const askedMs = outcomeMs + EVERY_MS <= now ? outcomeMs + EVERY_MS : null;
    const { answeredMs, failedMs } = this.#canary;
    if (field === "answeredMs") return { askedMs, answeredMs: outcomeMs, failedMs };
    return { askedMs, answeredMs, failedMs: outcomeMs };
  }

  get isRoutine(): boolean {
    return this.#routine !== null;
  }

  /** Of a group that answers, or refuses, as it should by all that is known of it: from its last outcome on it goes on so. */
  rest(field: Outcome): void {
    if (this.#routine?.field === field) return;
    this.stir();
    const { askedMs, answeredMs, failedMs } = this.#canary;
    const atMs = this.#canary[field];
    const isLast = (field === "answeredMs") === (answeredMs ?? 0) > (failedMs ?? 0);
    if (atMs === null || askedMs !== null || !isLast || this.flows || this.answers !== (field === "answeredMs")) return;
    if (this.#gateway.watchNow() - atMs >= EVERY_MS) return;
    const sight = this.#sight();
    if (field === "failedMs" && sight !== this.#sightAsked) return;
    const tookMs = field === "failedMs" ? this.#tookMs : Math.ceil(this.#tookAnswering());
    this.#routine = { field, atMs, tookMs, sight };
  }

  /** From now on each question is asked; one that is on its way goes on. */
  stir(): boolean {
    if (this.#routine === null) return false;
    const { tookMs } = this.#routine;
    this.#canary = this.canary;
    this.#routine = null;
    const { askedMs } = this.#canary;
    this.#question += 1;
    if (askedMs === null) return true;
    const waitedMs = this.#gateway.watchNow() - askedMs;
    this.#wait(this.#question, Math.min(tookMs - waitedMs, POLL_MS), waitedMs);
    return true;
  }

  /** All that an outcome, and how long it takes, depends on. */
  #sight(): string {
    const leader = this.#leaderServer;
    if (leader === undefined) return "";
    const { frozen, rank, name } = leader;
    const reached = this.#world.reaches(this.#gateway.name, leader);
    return `${name} ${reached} ${frozen} ${rank?.pid} ${this.servers} ${this.#world.group(this.id).state}`;
  }

  get passengers(): { size: number } {
    return { size: this.waitingSinceMs === null ? 0 : 1 };
  }

  sawToken(): void {
    this.#tokenMs = this.#gateway.watchNow();
  }

  /** What is asked here is answered by whichever engine runs when it can be. */
  sawStart(): void {}

  get #leaderServer(): SimServer | undefined {
    return this.#world.servers.get(this.#world.group(this.id).members[0] ?? "");
  }

  /** The leader answers this gateway. */
  get answers(): boolean {
    const leader = this.#leaderServer;
    if (leader === undefined || !this.servers.includes(leader.name)) return false;
    return this.#world.serves(this.id) && this.#world.reaches(this.#gateway.name, leader);
  }

  /** The world changed; true if that is to be felt here. */
  refresh(): boolean {
    const { current, choice } = this.#gateway;
    const isUsed = current === this.id && choice?.kind !== "shed" && this.#world.config.busy;
    const { answers } = this;
    const { now } = this.#world;
    const isNew = answers && this.answersSinceMs === null;
    if (answers) this.answersSinceMs ??= now;
    else if (this.answersSinceMs !== null) {
      this.answersSinceMs = null;
      this.answeredUntilMs = now;
    }
    const flows = isUsed && answers && !this.#gateway.frozen;
    const wasLed = this.#leader;
    const rank = this.#leaderServer?.rank;
    this.#leader = rank?.group === this.id ? rank.pid : -1;
    const isCut = isUsed && wasLed !== -1 && this.#leader !== wasLed;
    if (this.flows && !flows) this.#tokenMs = this.#gateway.watchNow();
    const changed = flows !== this.flows || isCut || isNew;
    this.flows = flows;
    if (!isUsed) this.#waitingMs = null;
    else if (!flows) this.#waitingMs ??= this.#gateway.watchNow();
    else this.#waitingMs = null;
    const leader = this.#leaderServer;
    // Only a kernel that is there and reached resets what its process had open.
    if (isCut && leader !== undefined && this.#world.reaches(this.#gateway.name, leader)) this.#broke("reset");
    const isOther = changed || (this.#routine !== null && this.#routine.sight !== this.#sight());
    return (isOther && this.stir()) || changed;
  }

  #broke(how: Break["how"]): void {
    this.#gateway.after(2, () => {
      const atMs = this.#gateway.watchNow();
      this.breaks = [...this.breaks.slice(-6), { atMs, how }, { atMs, how }];
      this.#gateway.evaluate();
    });
    this.#gateway.after(RETRY_MS, () => {
      if (this.#gateway.current !== this.id || this.#leader !== -1) return;
      this.breaks = [...this.breaks.slice(-6), { atMs: this.#gateway.watchNow(), how: "refused" }];
      this.#gateway.evaluate();
    });
  }

  /** One token is asked of the leader. */
  ask(): void {
    this.stir();
    this.#canary = { ...this.#canary, askedMs: this.#gateway.watchNow() };
    this.#question += 1;
    const question = this.#question;
    this.#sightAsked = this.#sight();
    this.#wait(question, this.#tookAnswering(), 0);
  }

  #tookAnswering(): number {
    return this.#world.random.between(20, 60);
  }

  #wait(question: number, ms: number, waitedMs: number): void {
    this.#gateway.after(ms, () => {
      if (question !== this.#question) return;
      const leader = this.#leaderServer;
      const isThere = leader !== undefined && this.servers.includes(leader.name);
      if (isThere && this.answers) return this.#outcome("answeredMs");
      const isReached = isThere && this.#world.reaches(this.#gateway.name, leader);
      if (isReached && leader.frozen) return this.#again(question, waitedMs);
      if (isReached && leader.rank?.group !== this.id) return this.#outcome("failedMs");
      if (isReached && this.#world.group(this.id).state === "loading") return this.#outcome("failedMs");
      // A machine that is off, or away, answers no connection at all; each address is tried once.
      if (!isReached && waitedMs >= CONNECT_MS * this.servers.length) return this.#outcome("failedMs");
      this.#again(question, waitedMs);
    });
  }

  #again(question: number, waitedMs: number): void {
    if (waitedMs >= CANARY_GIVE_UP_MS) this.#outcome("failedMs");
    else this.#wait(question, POLL_MS, waitedMs + POLL_MS);
  }

  #outcome(field: Outcome): void {
    const { askedMs, answeredMs, failedMs } = this.#canary;
    const isRefusing = failedMs !== null && failedMs > (answeredMs ?? Number.NEGATIVE_INFINITY);
    const isSame = field === "failedMs" && isRefusing && (askedMs ?? 0) - failedMs < AGAIN_MS;
    const now = this.#gateway.watchNow();
    this.#tookMs = now - (askedMs ?? now);
    this.#canary = { ...this.#canary, askedMs: null, [field]: now };
    if (isSame) this.#gateway.sameRefusal(this.id);
    else this.#gateway.evaluate();
  }
}
