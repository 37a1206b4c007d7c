import type { ServerResponse } from "node:http";
import { fromBinary } from "../../stream/http/binary.ts";
import type { Group } from "../groups/group.ts";
import type { Leg } from "../groups/leg.ts";
import { RefusedRequest } from "../http/refused-request.ts";
import type { ClientRequest } from "./client-request.ts";
import type { Rider, RiderHost } from "./rider.ts";
import { sendJson, sendRefusal } from "./sink.ts";

/** An answer in one piece that a stream would not give whole (tool calls, logprobs, several choices): asked again if it breaks. */
export class PlainRequest implements Rider {
  readonly id: string;
  readonly request: ClientRequest;
  readonly contextTokens: number;
  readonly legTokens = 0;
  readonly stuck = null;
  readonly warmed = null;
  // It has no tokens to wait for: the engine is silent until all is written.
  readonly waitingSinceMs = null;
  strikes = 0;
  legs = 0;
  over = false;
  lastTokenMs = 0;
  readonly #host: RiderHost;
  readonly #response: ServerResponse;
  #group: Group | null = null;
  #leg: Leg | null = null;

  constructor(id: string, request: ClientRequest, host: RiderHost, response: ServerResponse) {
    this.id = id;
    this.request = request;
    this.contextTokens = request.promptTokens;
    this.#host = host;
    this.#response = response;
  }

  /** It begins anew. */
  prefillTokens(): number {
    return this.contextTokens;
  }

  remaining(): Record<string, unknown> {
    return this.request.body;
  }

  get group(): string | null {
    return this.#group?.id ?? null;
  }

  start(groupId: string): void {
    const group = this.#host.group(groupId);
    this.legs += 1;
    this.#group = group;
    group.passengers.add(this);
    const parts: string[] = [];
    let bytes = 0;
    let status = 0;
    const rid = this.legs === 1 ? this.id : `${this.id}-${this.legs}`;
    this.#leg = group.open(this.request.path, JSON.stringify({ ...this.request.body, stream: false, rid }), {
      onHead: (code) => {
        status = code;
      },
      onData: (text) => {
        bytes += text.length;
        if (bytes <= this.#host.limits.maxTextBytes) parts.push(text);
        else
          this.refuse(
            new RefusedRequest(502, "the answer is longer than the gateway keeps", { code: "answer_too_long" }),
          );
      },
      onEnd: () => this.#answered(status, fromBinary(parts.join(""))),
      onBreak: (how) => {
        this.leave();
        if (!this.over) this.#host.onBroken(this, group, how);
      },
    });
  }

  #answered(status: number, body: string): void {
    if (this.over) return;
    this.#leg = null;
    this.#host.onFirstToken(this);
    this.#host.onCleared(this);
    if (status === 401 || status === 403 || status === 404)
      return void this.refuse(new RefusedRequest(502, `the engine refuses the gateway (${status})`));
    this.leave();
    this.over = true;
    const json = body.replace(/("id":")[^"]*-\d+(")/, `$1${this.id}$2`);
    sendJson(this.#response, status, json, status === 503 ? { "retry-after": "2" } : {});
    this.#host.onOver(this, status < 400 ? "complete" : "refused");
  }

  leave(): void {
    this.#leg?.abandon();
    this.#leg = null;
    this.#group?.passengers.delete(this);
    this.#group = null;
  }

  refuse(error: RefusedRequest): void {
    if (this.over) return;
    this.leave();
    this.over = true;
    sendRefusal(this.#response, error);
    this.#host.onOver(this, "refused");
  }

  cancel(): void {
    if (this.over) return;
    this.leave();
    this.over = true;
    this.#host.onOver(this, "left");
  }
}
