import type { IncomingMessage, ServerResponse } from "node:http";
import { overloaded } from "./refused-request.ts";

/**
 * The bytes of all bodies in the gateway's hands. A body is kept until its answer has ended, for it may have to be sent to another
 * group; one key must not fill the memory that all answers live in. Counted as they come: who only announces much takes no room.
 */
export class BodyBudget {
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * An account for one request, closed with its answer.
   *
   * @returns what takes room for the next bytes, and throws 429 when there is none
   */
  open(request: IncomingMessage, response: ServerResponse): (bytes: number) => void {
    if (this.#bytes + Number(request.headers["content-length"] ?? 0) > this.#mostBytes) throw overloaded();
    let mine = 0;
    response.once("close", () => {
      this.#bytes -= mine;
      mine = 0;
    });
    return (bytes) => {
      if (this.#bytes + bytes > this.#mostBytes) throw overloaded();
      // Whoever has left gets no room that nobody would give back.
      if (response.closed) return;
      this.#bytes += bytes;
      mine += bytes;
    };
  }
}
