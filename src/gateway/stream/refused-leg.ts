import { fromBinary } from "../../stream/http/binary.ts";
import { messageOf } from "./frames.ts";

const MAX_BODY = 65_536;

/** What an engine answers in place of a stream. */
export class RefusedLeg {
  readonly status: number;
  readonly retryAfterS: number | null;
  #body = "";

  constructor(status: number, retryAfterS: number | null) {
    this.status = status;
    this.retryAfterS = retryAfterS;
  }

  /** Takes a part of its body, as a binary string. */
  add(text: string): void {
    if (this.#body.length < MAX_BODY) this.#body += text;
  }

  get message(): string {
    return messageOf(fromBinary(this.#body)) ?? `the engine answered ${this.status}`;
  }
}
