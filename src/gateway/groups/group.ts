import type { Break, CanaryView, Fault } from "../../failover/choose/view.ts";
import type { WatchClock } from "../watch-clock.ts";
import { EngineConnections } from "./engine-connections.ts";
import { type Leg, type LegEvents, openLeg } from "./leg.ts";

/** More breaks than this say nothing new. */
const MAX_BREAKS = 32;

/** A request of this gateway in a group's hands. */
export interface Passenger {
  /** Since when it waits for a token; null while it does not (its client reads too slowly, or it gets no tokens). */
  readonly waitingSinceMs: number | null;
}

export interface GroupInit {
  id: string;
  servers: readonly string[];
  /** Where the leader may be: the HTTP addresses of the group's servers. Only rank 0's server answers `/v1`. */
  urls: readonly string[];
  key: string | null;
  connectTimeoutMs: number;
}

/** What this gateway holds of one group: its connections, and what was seen of it. */
export class Group {
  readonly id: string;
  servers: readonly string[];
  readonly passengers = new Set<Passenger>();
  readonly canary: CanaryView = { askedMs: null, answeredMs: null, failedMs: null };
  /** Takes the question back that is out; null while none is. */
  leaveCanary: (() => void) | null = null;
  breaks: Break[] = [];
  faults: Fault[] = [];
  lastTokenMs: number | null = null;
  /** Pieces of text that its engine has written for this gateway's streams: a token each. */
  tokens = 0;
  /** By the agents' word; what they told may be long ago. */
  hasServed = false;
  /** From the leader's agent. */
  engine: {
    instance: string;
    state: "starting" | "serving" | "unhealthy" | "unreachable";
    tokensTotal: number;
    queued: number;
  } | null = null;
  readonly #init: GroupInit;
  readonly #clock: WatchClock;
  #urls: readonly string[];
  readonly #connections = new EngineConnections();
  #leader = 0;

  constructor(init: GroupInit, clock: WatchClock) {
    this.id = init.id;
    this.servers = init.servers;
    this.#urls = init.urls;
    this.#init = init;
    this.#clock = clock;
  }

  get urls(): readonly string[] {
    return this.#urls;
  }

  /** The empty text while it has no members. */
  get url(): string {
    return this.#urls[this.#leader] ?? "";
  }

  /** Its members from now on. What is open stays open: only the next connection goes elsewhere. */
  reassign(servers: readonly string[], urls: readonly string[]): void {
    const { url } = this;
    this.servers = servers;
    this.#urls = urls;
    this.#leader = Math.max(0, urls.indexOf(url));
  }

  /** LWS may put the leader on another server after each start. Many may find that out at once; it moves by one. */
  tryNextLeader(lookedAt: string = this.url): void {
    if (lookedAt === this.url) this.#leader = (this.#leader + 1) % this.leaders;
  }

  /** How many addresses there are to try; one, which refuses, while it has no members. */
  get leaders(): number {
    return Math.max(1, this.#urls.length);
  }

  /** Sends one request to the leader. A worker's 404 only means that the leader is elsewhere: the next address is asked. */
  open(path: string, body: string, events: LegEvents): Leg {
    const { key, connectTimeoutMs } = this.#init;
    const send = (left: number): Leg => {
      const { url } = this;
      if (url === "") return refusal(events);
      let isWorker = false;
      return openLeg({ url, connections: this.#connections, key, connectTimeoutMs }, path, body, {
        onHead: (status, stream, retryAfterS) => {
          isWorker = status === 404 && left > 1;
          if (!isWorker) events.onHead(status, stream, retryAfterS);
        },
        onData: (text) => isWorker || events.onData(text),
        onEnd: () => {
          if (!isWorker) return events.onEnd();
          this.tryNextLeader(url);
          leg = send(left - 1);
        },
        onBreak: events.onBreak,
      });
    };
    let leg = send(this.leaders);
    return { pause: () => leg.pause(), resume: () => leg.resume(), abandon: () => leg.abandon() };
  }

  /** @param written pieces of text that came with it; none where the agent tells that the engine goes on */
  sawToken(written = 0): void {
    this.tokens += written;
    this.lastTokenMs = this.#clock.now();
  }

  /** Another engine runs since then. Nobody answers what the one before was asked, and where a cable was cut nobody says so. */
  sawStart(startedMs: number): void {
    const { askedMs } = this.canary;
    if (askedMs !== null && askedMs < startedMs) this.leaveCanary?.();
  }

  sawBreak(how: Break["how"]): void {
    this.breaks = [...this.breaks.slice(1 - MAX_BREAKS), { atMs: this.#clock.now(), how }];
  }

  get waitingSinceMs(): number | null {
    let earliest: number | null = null;
    for (const { waitingSinceMs } of this.passengers)
      if (waitingSinceMs !== null && (earliest === null || waitingSinceMs < earliest)) earliest = waitingSinceMs;
    return earliest;
  }

  /** Connections that are idle now may be to a dead engine. */
  dropIdle(): void {
    this.#connections.dropIdle();
  }
}

/** What a group without members says. Later, as a connection does: whoever asked is not ready for an answer yet. */
function refusal(events: LegEvents): Leg {
  const timer = setImmediate(() => events.onBreak("refused", "the group has no servers"));
  return { pause: () => {}, resume: () => {}, abandon: () => clearImmediate(timer) };
}
