import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { request as tlsRequest } from "node:https";
import { onStall } from "./event-loop.ts";
import { decodeFrame, type Frame } from "./frames.ts";
import { Lines } from "./lines.ts";
import type { Subscribe, SubscribeOptions, Subscription } from "./subscription.ts";

const CONNECT_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;
/**
 * Silence after which the connection is given up and made anew. It says nothing about the server: those who decide see
 * the missing beats long before. A server that came back would otherwise never be heard, as we never send anything.
 */
const GIVE_UP_BEATS = 12;

/** Follows the evidence stream of one agent until closed: reconnects by itself and resumes where it was. */
export const subscribe: Subscribe = (options) => new Follower(options);

class Follower implements Subscription {
  readonly #options: SubscribeOptions;
  readonly #stopStalls: (() => void) | undefined;
  #request: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #state: "connected" | "lost" | "new" = "new";
  #reason = "";
  #closed = false;
  /** Where to go on: the agent that was heard, and the last of its frames that was passed on. */
  #agent = "";
  #seq = 0;
  #heartbeatMs = 250;

  constructor(options: SubscribeOptions) {
    this.#options = options;
    this.#stopStalls = options.onStall && onStall(options.onStall);
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stopStalls?.();
    this.#request?.destroy();
  }

  #connect(): void {
    const { url, token, ca, everyBeats } = this.#options;
    const target = new URL("/v1/stream", url);
    if (everyBeats !== undefined) target.searchParams.set("every", String(everyBeats));
    if (this.#agent !== "") target.searchParams.set("after", `${this.#agent}:${this.#seq}`);
    const settings = { agent: false as const, headers: { authorization: `Bearer ${token}` } };
    const call =
      target.protocol === "https:"
        ? tlsRequest(target, { ...settings, ...(ca === undefined ? {} : { ca }) })
        : request(target, settings);
    this.#request = call;
    const fail = (reason: string) => this.#lost(call, reason);
    call.on("error", (error) => fail(error.message));
    let answered = false;
    call.on("response", (response) => {
      answered = true;
      if (response.statusCode === 200) this.#read(call, response);
      else fail(`the agent answered ${response.statusCode}`);
    });
    call.end();
    this.#arm(() => setImmediate(() => answered || fail(`no answer in ${CONNECT_MS} ms`)), CONNECT_MS);
  }

  #read(call: ClientRequest, response: IncomingMessage): void {
    let lastMonoMs = performance.now();
    const lines = new Lines();
    response.on("data", (bytes: Buffer) => {
      lastMonoMs = performance.now();
      const before = this.#heartbeatMs;
      for (const line of lines.push(bytes)) {
        const frame = decodeFrame(line);
        if (frame !== null && this.#request === call && !this.#closed) this.#take(call, frame, lastMonoMs);
      }
      if (this.#heartbeatMs !== before && this.#request === call) watch();
    });
    response.on("close", () => this.#lost(call, "the agent closed the connection"));
    response.on("error", (error) => this.#lost(call, error.message));
    const watch = () => {
      // The timer is the next connection's by now.
      if (this.#request !== call) return;
      const leftMs = lastMonoMs + GIVE_UP_BEATS * this.#heartbeatMs - performance.now();
      if (leftMs > 0) this.#arm(watch, leftMs);
      // After a stall of our own the frames that waited are read before this runs.
      else setImmediate(() => (lastMonoMs + GIVE_UP_BEATS * this.#heartbeatMs > performance.now() ? watch() : end()));
    };
    const end = () => this.#lost(call, `no beat for ${Math.round(performance.now() - lastMonoMs)} ms`);
    watch();
  }

  #take(call: ClientRequest, frame: Frame, arrivedMonoMs: number): void {
    if (frame.type === "hello") {
      if (frame.start === "snapshot") this.#seq = 0;
      this.#agent = frame.agent;
      this.#heartbeatMs = frame.heartbeatMs;
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#state = "connected";
      this.#reason = "";
      this.#options.onConnection("connected", frame.start, arrivedMonoMs);
    } else if (frame.type === "evidence") {
      if (frame.seq <= this.#seq) return;
      this.#seq = frame.seq;
    } else if (frame.seq > this.#seq && this.#seq > 0) {
      // Cannot happen over TCP; if it does, what is missing is asked for again.
      this.#lost(call, `frames ${this.#seq + 1} to ${frame.seq} are missing`);
      return;
    }
    this.#options.onFrame(frame, arrivedMonoMs);
  }

  #arm(then: () => void, afterMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(then, afterMs);
  }

  #lost(call: ClientRequest, reason: string): void {
    if (this.#request !== call || this.#closed) return;
    this.#request = undefined;
    call.destroy();
    if (this.#state !== "lost" || this.#reason !== reason)
      this.#options.onConnection("lost", reason, performance.now());
    this.#state = "lost";
    this.#reason = reason;
    // Spread, so that all gateways do not come back to a restarted agent in one moment.
    this.#arm(() => this.#connect(), this.#pauseMs * (0.75 + Math.random() / 2));
    this.#pauseMs = Math.min(this.#pauseMs * 2, LAST_PAUSE_MS);
  }
}
