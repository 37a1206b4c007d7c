import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { toBinary } from "../../stream/http/binary.ts";
import type { RefusedRequest } from "../http/refused-request.ts";
import type { CarriedStream } from "./carried-stream.ts";

/** Where an answer goes. */
export interface Sink {
  readonly begun: boolean;
  onDrain: (() => void) | null;
  /** Takes frames as a binary string; false asks to wait for `onDrain`. */
  write(out: string): boolean;
  end(stream: CarriedStream): void;
  /** Nothing was sent: the whole answer is a refusal. */
  refuse(error: RefusedRequest): void;
  /** A part was sent: the client must see that the rest is missing. */
  interrupt(message: string, code: string): void;
}

/** To a client that reads a stream. The head is held back until the first frame: until then a real status can be sent. */
export class StreamSink implements Sink {
  begun = false;
  onDrain: (() => void) | null = null;
  readonly #response: ServerResponse;
  readonly #slowClientMs: number;
  #socket: Socket | null = null;
  #full: NodeJS.Timeout | undefined;

  /** A client that takes nothing for `slowClientMs` is given up; until then the engine's connection is paused for it. */
  constructor(response: ServerResponse, slowClientMs: number) {
    this.#response = response;
    this.#slowClientMs = slowClientMs;
    response.on("drain", this.#drained);
    response.on("close", () => {
      clearTimeout(this.#full);
      this.#socket?.removeListener("drain", this.#drained);
    });
  }

  readonly #drained = () => {
    if (this.#full === undefined) return;
    clearTimeout(this.#full);
    this.#full = undefined;
    this.onDrain?.();
  };

  write(out: string): boolean {
    if (!this.begun) this.#begin();
    if (this.#send(out)) return true;
    this.#full ??= setTimeout(() => this.#response.destroy(), this.#slowClientMs);
    return false;
  }

  #begin(): void {
    this.begun = true;
    const response = this.#response;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
    if (!response.chunkedEncoding) return;
    this.#socket = response.socket;
    this.#socket?.on("drain", this.#drained);
  }

  /** Node writes a chunk as four pieces; made here it is one string and one system call, the larger part of a token's cost. */
  #send(out: string): boolean {
    // An empty chunk would end the answer.
    if (out === "") return true;
    if (this.#socket === null) return this.#response.write(out, "latin1");
    return this.#socket.write(`${out.length.toString(16)}\r\n${out}\r\n`, "latin1");
  }

  end(): void {
    this.write("data: [DONE]\n\n");
    this.#response.end();
  }

  refuse(error: RefusedRequest): void {
    sendRefusal(this.#response, error);
  }

  interrupt(message: string, code: string): void {
    const error = { message, type: "server_error", param: null, code };
    told.set(this.#response, { outcome: "interrupted", code });
    // No [DONE]: a client that only waits for it must not take the answer for complete.
    this.write(toBinary(`data: ${JSON.stringify({ error })}\n\n`));
    this.#response.end();
  }
}

/** To a client that waits for the whole answer: the engine streams it, so that it can be carried on like any other. */
export class WholeSink implements Sink {
  readonly begun = false;
  onDrain: (() => void) | null = null;
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  write(): boolean {
    return true;
  }

  end(stream: CarriedStream): void {
    const { kind, body } = stream.request;
    const head = {
      id: stream.id,
      object: kind === "chat" ? "chat.completion" : "text_completion",
      created: stream.sent.head?.created ?? 0,
      model: body.model,
    };
    const text = stream.sent.content.text;
    const reasoning = stream.sent.reasoning.text;
    const message = {
      role: "assistant",
      content: text,
      reasoning_content: reasoning === "" ? null : reasoning,
      tool_calls: null,
    };
    const finish = {
      logprobs: null,
      finish_reason: stream.finish?.reason ?? null,
      matched_stop: stream.finish?.matched ?? null,
    };
    const choice = { index: 0, ...(kind === "chat" ? { message } : { text }), ...finish };
    sendJson(this.#response, 200, JSON.stringify({ ...head, choices: [choice], usage: stream.usage }));
  }

  refuse(error: RefusedRequest): void {
    sendRefusal(this.#response, error);
  }

  interrupt(): void {
    this.#response.destroy();
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  json: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(json), ...headers })
    .end(json);
}

export interface Told {
  outcome: "refused" | "interrupted";
  code: string | null;
}

const told = new WeakMap<ServerResponse, Told>();

/** What a client was told in place of its answer, or of the rest of it; null if it was told nothing of the kind. */
export function toldIn(response: ServerResponse): Told | null {
  // An engine's own refusal of an answer in one piece passes as it is.
  return told.get(response) ?? (response.statusCode >= 400 ? { outcome: "refused", code: null } : null);
}

export function sendRefusal(response: ServerResponse, error: RefusedRequest): void {
  told.set(response, { outcome: "refused", code: error.code });
  const retry: Record<string, string> =
    error.retryAfterSeconds === null ? {} : { "retry-after": String(error.retryAfterSeconds) };
  sendJson(response, error.status, error.json, retry);
}
