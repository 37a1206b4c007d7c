import type { Break } from "../../failover/choose/view.ts";
import type { Group } from "../groups/group.ts";
import type { Leg } from "../groups/leg.ts";
import { engineRefusal, RefusedRequest } from "../http/refused-request.ts";
import { atRank } from "../warm/warm-body.ts";
import { stillWarm, type Warmed } from "../warm/warmed.ts";
import type { ClientRequest } from "./client-request.ts";
import { remainingBody, streamedBody, tokensLeft } from "./continuation.ts";
import { lengthFrame, usageFrame } from "./frames.ts";
import { LegReader, nothingSent, type Sent } from "./leg-reader.ts";
import { RefusedLeg } from "./refused-leg.ts";
import type { Outcome, Rider, RiderHost } from "./rider.ts";
import type { Sink } from "./sink.ts";
import { whyStuck } from "./stuck.ts";
import { type Usage, UsageTally } from "./usage.ts";

/** A suspect that has written this many tokens did not crash the engine in its prefill. */
const CLEARED_TOKENS = 4;
const MAX_UNREAD_BYTES = 4 * 2 ** 20;

/** One answer, over as many groups as it takes. */
export class CarriedStream implements Rider {
  readonly id: string;
  readonly request: ClientRequest;
  readonly sent: Sent = nothingSent();
  strikes = 0;
  warmed: Warmed | null = null;
  legs = 0;
  over = false;
  /** When its last token came, on the watch clock. */
  lastTokenMs = 0;
  waitingSinceMs: number | null = null;
  readonly #host: RiderHost;
  readonly #sink: Sink;
  readonly #tally = new UsageTally();
  #lastLegTokens = 0;
  #group: Group | null = null;
  #leg: Leg | null = null;
  #reader: LegReader;
  #refusedLeg: RefusedLeg | null = null;
  /** Legs that an engine did not take. */
  #refusedLegs = 0;

  constructor(id: string, request: ClientRequest, host: RiderHost, sink: Sink) {
    this.id = id;
    this.request = request;
    this.#host = host;
    this.#sink = sink;
    this.#reader = this.#newReader();
    sink.onDrain = () => this.#resume();
  }

  get contextTokens(): number {
    const reader = this.#reader;
    return this.#tally.contextTokens(() => reader.lastUsage, this.request.promptTokens) + reader.completionTokens;
  }

  prefillTokens(group: string): number {
    return Math.max(0, this.contextTokens - (stillWarm(this.warmed, this.#host.group(group))?.tokens ?? 0));
  }

  get legTokens(): number {
    return this.#leg === null ? this.#lastLegTokens : this.#reader.textFrames;
  }

  get group(): string | null {
    return this.#group?.id ?? null;
  }

  get usage(): Usage | null {
    return this.#tally.merge(this.#reader.lastUsage);
  }

  get finish(): { reason: string; matched: unknown } | null {
    return this.#reader.finishes[0] ?? null;
  }

  start(groupId: string): void {
    const group = this.#host.group(groupId);
    if (this.sent.frames > 0 && tokensLeft(this.request, this.#tally.completionTokens) === 0)
      return void this.#endAtLength();
    this.#reader = this.#newReader();
    this.legs += 1;
    this.#group = group;
    this.waitingSinceMs = this.#host.now();
    this.#refusedLeg = null;
    group.passengers.add(this);
    const body = {
      ...streamedBody(this.remaining(), this.id, this.legs),
      ...atRank(stillWarm(this.warmed, group)?.dpRank),
    };
    this.#leg = group.open(this.request.path, JSON.stringify(body), {
      onHead: (status, stream, retryAfterS) => {
        if (!stream || status !== 200) this.#refusedLeg = new RefusedLeg(status, retryAfterS);
      },
      onData: (text) => this.#data(text),
      onEnd: () => this.#ended(),
      onBreak: (how) => this.#broken(how),
    });
  }

  remaining(): Record<string, unknown> {
    return remainingBody(this.request, this.sent, this.#tally.completionTokens, this.#host.model);
  }

  #newReader(): LegReader {
    const { wantsUsage, wantsRunningUsage, choices } = this.request;
    return new LegReader(this.sent, {
      id: this.id,
      keepText: choices === 1,
      wantsUsage,
      wantsRunningUsage,
      mergeUsage: (usage) => this.#tally.merge(usage),
    });
  }

  #data(text: string): void {
    if (this.#refusedLeg !== null) return void this.#refusedLeg.add(text);
    const reader = this.#reader;
    const before = reader.textFrames;
    const out = reader.push(text);
    this.#group?.sawToken(reader.textFrames - before);
    this.lastTokenMs = this.#host.now();
    if (reader.textFrames > 0) {
      if (before === 0) this.#host.onFirstToken(this);
      if (before < CLEARED_TOKENS && reader.textFrames >= CLEARED_TOKENS) this.#host.onCleared(this);
    }
    if (out !== "" && !this.#sink.write(out)) {
      this.#leg?.pause();
      this.waitingSinceMs = null;
    }
    if (reader.done) this.#ended();
    else if (reader.unreadBytes > MAX_UNREAD_BYTES) this.#broken("closed");
    else if (this.sent.content.bytes + this.sent.reasoning.bytes > this.#host.limits.maxTextBytes)
      this.interrupt("the answer is longer than the gateway keeps", "answer_too_long");
  }

  #resume(): void {
    if (this.over || this.#leg === null) return;
    this.waitingSinceMs = this.#host.now();
    this.#leg.resume();
  }

  #ended(): void {
    const { refusal, done } = this.#reader;
    if (this.over || this.#leg === null) return;
    const leg = this.#refusedLeg;
    // No server of the group is its leader.
    if (leg?.status === 404) return void this.#broken("refused");
    if (leg !== null) return void this.#refused(leg.status, leg.message, leg.retryAfterS);
    if (refusal !== null) return void this.#refused(refusal.code, refusal.message);
    if (done && this.#finished) return void this.#complete();
    this.#broken("closed");
  }

  #complete(): void {
    // The connection goes back to its pool by itself when the engine ends the answer.
    this.#leg = null;
    this.#close("complete", () => this.#sink.end(this));
  }

  #refused(code: number, message: string, retryAfterS: number | null = null): void {
    const error = engineRefusal(code, message);
    if (this.sent.frames === 0 || (code < 500 && code !== 429)) return void this.refuse(error);
    // Its queue is full, or it fears for its time: an engine that says so is well, and may have room a little later.
    if (this.#reader.textFrames === 0) this.#refusedLegs += 1;
    this.leave();
    if (!this.over) this.#host.onTurnedAway(this, error, retryAfterS);
  }

  #broken(how: Break["how"]): void {
    const group = this.#group;
    this.leave();
    if (!this.over && group !== null) this.#host.onBroken(this, group, how);
  }

  /** Every choice has its finish chunk. An abort that no client asked for is a break. */
  get #finished(): boolean {
    const { finishes } = this.#reader;
    return finishes.length >= this.request.choices && finishes.every(({ reason }) => reason !== "abort");
  }

  #completeByHand(): void {
    const { usage } = this;
    const isUntold = this.#reader.usage === null;
    if (this.request.wantsUsage && isUntold && usage !== null)
      this.#sink.write(usageFrame(this.request.kind, this.#head, usage));
    this.#complete();
  }

  /** Counts the leg's tokens and lets go of its group. It is over if all was said: another group would write past the end. */
  leave(): void {
    const reader = this.#reader;
    if (this.#leg !== null) {
      this.#lastLegTokens = reader.textFrames;
      this.#leg.abandon();
      this.#leg = null;
    }
    this.#group?.passengers.delete(this);
    this.#group = null;
    this.waitingSinceMs = null;
    if (this.over) return;
    if (this.#finished) return void this.#completeByHand();
    reader.dropHeld();
    this.#tally.add(reader.completionTokens, reader.lastUsage);
    this.#reader = this.#newReader();
  }

  get stuck(): string | null {
    const broke = this.legs - this.#refusedLegs;
    const isWornOut = this.sent.frames > 0 && broke >= this.#host.limits.maxLegs;
    return isWornOut ? `it broke ${broke} times` : whyStuck(this.request, this.sent, this.#host.model);
  }

  #endAtLength() {
    this.#reader.finishes.push({ reason: "length", matched: null });
    this.#sink.write(lengthFrame(this.request.kind, this.#head));
    this.#completeByHand();
  }

  get #head() {
    return { id: this.id, created: this.sent.head?.created ?? 0, model: this.#host.model.name };
  }

  refuse(error: RefusedRequest): void {
    if (!this.over && this.#finished) this.#completeByHand();
    else if (this.#sink.begun) this.interrupt(error.message, error.code ?? "engine_refused");
    else this.#close("refused", () => this.#sink.refuse(error));
  }

  interrupt(message: string, code: string): void {
    if (this.#sink.begun) this.#close("interrupted", () => this.#sink.interrupt(message, code));
    else this.refuse(new RefusedRequest(502, message, { code, type: "server_error" }));
  }

  /** The client went away. */
  cancel(): void {
    this.#close("left", () => {});
  }

  #close(outcome: Outcome, tell: () => void): void {
    if (this.over) return;
    this.over = true;
    this.leave();
    tell();
    this.#host.onOver(this, outcome);
  }
}
