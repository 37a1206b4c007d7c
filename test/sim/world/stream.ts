import type { EvidenceFrame, Frame } from "../../../src/stream/frames.ts";
import type { Actor } from "../actors/actor.ts";
import type { SimServer } from "./types.ts";
import type { World } from "./world.ts";

export const BEAT_MS = 250;
const GIVE_UP_MS = 12 * BEAT_MS;

/** What a subscriber is told, as by `src/stream/subscribe.ts`. */
export interface Ear {
  connection(state: "connected" | "lost", reason: string): void;
  frame(frame: Frame): void;
}

/**
 * One observer's connection to the agent of one server. Beats are not events: the last one is worked out when somebody asks,
 * so that hours in which all is well cost nothing.
 */
export class Stream {
  readonly server: SimServer;
  readonly #world: World;
  readonly #observer: Actor;
  readonly #ear: Ear;
  readonly #delayMs: number;
  readonly #phaseMs: number;
  #isOpen = false;
  #connection = 0;
  #isConnected = false;
  #flows = false;
  #agent = "";
  #seq = 0;
  #tailMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #stoppedMs = 0;

  constructor(world: World, observer: Actor, server: SimServer, ear: Ear) {
    this.#world = world;
    this.#observer = observer;
    this.server = server;
    this.#ear = ear;
    this.#delayMs = world.random.between(1, 25);
    this.#phaseMs = world.random.between(0, BEAT_MS);
  }

  /** Begins anew, as a process does that has just started. */
  open(): void {
    this.close();
    this.#isOpen = true;
    this.#agent = "";
    this.#seq = 0;
    this.#lastMs = Number.NEGATIVE_INFINITY;
    this.#tryIn(this.#world.random.between(1, 50));
  }

  close(): void {
    this.#isOpen = false;
    this.#connection += 1;
    this.#isConnected = false;
    this.#flows = false;
  }

  /** The arrival of the last frame; what lies unread while the observer stands still has not arrived. */
  lastHeardMs(): number {
    const { frozen, frozeMs, wokeMs } = this.#observer;
    const { now } = this.#world;
    const untilMs = frozen || now < wokeMs + this.#delayMs ? Math.min(now, frozeMs) : now;
    return this.#flows ? Math.max(this.#lastMs, this.#beatBefore(untilMs)) : this.#lastMs;
  }

  /** Whether beats are on their way: then the time at which one was last heard needs no watching. */
  get flows(): boolean {
    return this.#flows;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  /** Something changed between the two. */
  refresh(): void {
    if (!this.#isOpen) return;
    const { server } = this;
    const world = this.#world;
    const flows = world.flows(this.#observer.name, server);
    if (!this.#isConnected) {
      if (flows) this.#tryIn(world.random.between(10, 1_000));
      return;
    }
    const isOther = server.agent?.id !== this.#agent;
    const reaches = world.reaches(this.#observer.name, server) && !server.frozen;
    if (isOther && reaches) return void this.#lost("the agent closed the connection", 5);
    if (this.#flows && !flows) {
      this.#lastMs = this.lastHeardMs();
      this.#flows = false;
      this.#stoppedMs = world.now;
      const connection = this.#connection;
      this.#observer.after(Math.max(1, this.#lastMs + GIVE_UP_MS - world.now), () => {
        if (connection === this.#connection && !this.#flows) this.#lost("no beat", 0);
      });
    } else if (!this.#flows && flows)
      this.#resumeIn(world.random.between(5, Math.max(10, world.now - this.#stoppedMs)));
  }

  push(frame: EvidenceFrame): void {
    if (this.#isConnected && this.#flows) this.#send(frame);
  }

  #tryIn(ms: number): void {
    const connection = this.#connection;
    this.#observer.after(ms, () => {
      if (connection === this.#connection && !this.#isConnected && this.#isOpen) this.#connect();
    });
  }

  #connect(): void {
    const { server } = this;
    const world = this.#world;
    const { agent } = server;
    if (agent === null || !world.flows(this.#observer.name, server)) return;
    this.#connection += 1;
    this.#isConnected = true;
    this.#flows = true;
    this.#tailMs = world.now;
    const missed = agent.log.after(this.#agent, this.#seq);
    const frames = missed ?? agent.log.snapshot();
    if (missed === null) this.#seq = 0;
    this.#agent = agent.id;
    this.#ear.connection("connected", "");
    const monoMs = world.now - server.bootedMs;
    const { seq } = agent.log;
    const start = missed === null ? "snapshot" : "resumed";
    const bootId = `${server.name}-${server.bootId}`;
    const stamp = { seq, monoMs, wallMs: 0 };
    this.#ear.frame({
      type: "hello",
      server: server.name,
      bootId,
      agent: agent.id,
      heartbeatMs: BEAT_MS,
      start,
      ...stamp,
    });
    for (const frame of frames) this.#hear(frame);
    this.#ear.frame({ type: "beat", ...stamp });
    this.#lastMs = world.now;
  }

  #resumeIn(ms: number): void {
    const connection = this.#connection;
    this.#observer.after(ms, () => {
      if (connection !== this.#connection || this.#flows) return;
      if (!this.#world.flows(this.#observer.name, this.server)) return;
      this.#flows = true;
      this.#tailMs = this.#world.now;
      for (const frame of this.server.agent?.log.after(this.#agent, this.#seq) ?? []) this.#hear(frame);
      this.#lastMs = this.#world.now;
    });
  }

  #send(frame: EvidenceFrame): void {
    const connection = this.#connection;
    this.#tailMs = Math.max(this.#tailMs, this.#world.now + this.#delayMs);
    this.#observer.after(this.#tailMs - this.#world.now, () => {
      // What was on its way when the link went down is sent again when it is up.
      if (connection === this.#connection && this.#flows) this.#hear(frame);
    });
  }

  #hear(frame: EvidenceFrame): void {
    if (frame.seq <= this.#seq) return;
    this.#seq = frame.seq;
    this.#lastMs = this.#world.now;
    this.#ear.frame(frame);
  }

  #lost(reason: string, afterMs: number): void {
    this.#lastMs = this.lastHeardMs();
    this.#connection += 1;
    this.#isConnected = false;
    this.#flows = false;
    this.#observer.after(afterMs, () => {
      if (this.#isOpen && !this.#isConnected) this.#ear.connection("lost", reason);
    });
    if (this.#world.flows(this.#observer.name, this.server))
      this.#tryIn(afterMs + this.#world.random.between(20, 1_000));
  }

  #beatBefore(atMs: number): number {
    const firstMs = this.#phaseMs + this.#delayMs;
    return firstMs + Math.floor((atMs - firstMs) / BEAT_MS) * BEAT_MS;
  }
}
