import { fromBinary, toBinary } from "../../stream/http/binary.ts";

/** Pieces are joined so often, or each would keep the whole packet alive that it was cut from. */
const JOIN_PIECES = 32;

/** The text sent so far, as escaped JSON; decoded only when a stream must be carried on. */
export class TextLog {
  #joined: string[] = [];
  #pieces: string[] = [];
  bytes = 0;

  /** Adds the inside of a JSON string, as it came. */
  add(escaped: string): void {
    this.#pieces.push(escaped);
    this.bytes += escaped.length;
    if (this.#pieces.length < JOIN_PIECES) return;
    // A copy through bytes is flat; a joined string would only point at its parts.
    this.#joined.push(Buffer.from(this.#pieces.join(""), "latin1").toString("latin1"));
    this.#pieces = [];
  }

  addText(text: string): void {
    this.add(toBinary(JSON.stringify(text).slice(1, -1)));
  }

  get text(): string {
    return JSON.parse(`"${fromBinary(this.#joined.join("") + this.#pieces.join(""))}"`) as string;
  }
}
