import { type AnswerHead, readHead } from "./answer-head.ts";
import { ChunkedBody } from "./chunked-body.ts";

/** As Node's own client has it. */
const MAX_HEAD_BYTES = 16_384;

export interface AnswerEvents {
  onHead(head: AnswerHead): void;
  /** Bytes of the body as a binary string: at most one call for what came together. */
  onBody(text: string): void;
}

/**
 * Reads one HTTP/1.1 answer off a connection (RFC 9112), in binary strings. Node's own client hands each token through a
 * parser and two streams, which costs more than all that the gateway does with it; what an idle agent spends on its looks at an
 * engine is half without it.
 */
export class AnswerReader {
  /** The answer came whole. */
  done = false;
  /** What came is no HTTP: nothing of it is read any more. */
  broken = false;
  /** Bytes came after its end. */
  surplus = false;
  readonly #events: AnswerEvents;
  #head: AnswerHead | null = null;
  #rest = "";
  #chunked: ChunkedBody | null = null;
  /** Bytes that are still to come where the length was said. */
  #left = 0;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  /** Another request may be sent on this connection. */
  get reusable(): boolean {
    return this.done && !this.surplus && this.#head?.keepAlive === true && this.#head.length !== "until-close";
  }

  /** Takes bytes as they come. */
  push(text: string): void {
    if (this.done && text !== "") this.surplus = true;
    if (this.done || this.broken) return;
    if (this.#head === null) this.#pushHead(text);
    else this.#pushBody(text, this.#head);
  }

  /** The engine closed its side; the answer is whole if `done` says so afterwards. */
  close(): void {
    if (this.#head?.length === "until-close" && !this.broken) this.done = true;
  }

  #pushHead(text: string): void {
    const all = this.#rest + text;
    const end = all.indexOf("\r\n\r\n");
    if (end < 0) {
      this.#rest = all;
      this.broken = all.length > MAX_HEAD_BYTES;
      return;
    }
    this.#rest = "";
    const head = end > MAX_HEAD_BYTES ? null : readHead(all.slice(0, end));
    if (head === null) {
      this.broken = true;
      return;
    }
    const rest = all.slice(end + 4);
    // Only an interim answer, as 100 Continue.
    if (head.status < 200) return void this.#pushHead(rest);
    this.#head = head;
    if (head.length === "chunked") this.#chunked = new ChunkedBody();
    else if (head.length !== "until-close") this.#left = head.length;
    this.#events.onHead(head);
    this.#pushBody(rest, head);
  }

  #pushBody(text: string, { length }: AnswerHead): void {
    let body = text;
    if (this.#chunked !== null) {
      body = this.#chunked.push(text);
      this.done = this.#chunked.state === "done";
      this.broken = this.#chunked.state === "broken";
      this.surplus = this.#chunked.surplus;
    } else if (length !== "until-close") {
      this.surplus = text.length > this.#left;
      if (this.surplus) body = text.slice(0, this.#left);
      this.#left -= body.length;
      this.done = this.#left === 0;
    }
    if (body !== "") this.#events.onBody(body);
  }
}
