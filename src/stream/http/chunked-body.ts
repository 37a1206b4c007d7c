/** A line of a size with what some servers write after it, or of a trailer. */
const MAX_LINE_BYTES = 4096;
/** 2^32 bytes in one chunk are no answer of an engine. */
const MAX_SIZE_DIGITS = 8;
const SEMICOLON = 59;

/** Takes the chunked coding off a body (RFC 9112, 7.1), in binary strings. */
export class ChunkedBody {
  state: "size" | "data" | "after-data" | "trailers" | "done" | "broken" = "size";
  /** Bytes came after the end. */
  surplus = false;
  /** Of the present chunk, still to come. */
  #left = 0;
  /** The begin of a line whose end is still to come. */
  #rest = "";

  /** Takes bytes as they come; returns those of the body among them. */
  push(bytes: string): string {
    const text = this.#rest === "" ? bytes : this.#rest + bytes;
    this.#rest = "";
    let body = "";
    let at = 0;
    while (at < text.length) {
      if (this.state === "data") {
        const end = Math.min(text.length, at + this.#left);
        // All of a token's frame in most reads: cut once, not joined.
        body = body === "" ? text.slice(at, end) : body + text.slice(at, end);
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.state = "after-data";
        continue;
      }
      if (this.state === "done") this.surplus = true;
      if (this.state === "done" || this.state === "broken") return body;
      const end = text.indexOf("\r\n", at);
      if (end < 0 || end - at > MAX_LINE_BYTES) {
        this.#rest = text.slice(at);
        if (this.#rest.length > MAX_LINE_BYTES) this.state = "broken";
        return body;
      }
      this.#line(text, at, end);
      at = end + 2;
    }
    return body;
  }

  #line(text: string, start: number, end: number): void {
    if (this.state === "after-data") this.state = start === end ? "size" : "broken";
    else if (this.state === "trailers") this.state = start === end ? "done" : "trailers";
    else {
      this.#left = sizeOf(text, start, end);
      this.state = this.#left > 0 ? "data" : this.#left === 0 ? "trailers" : "broken";
    }
  }
}

/** The hexadecimal number before the end of the line or its extensions; -1 if there is none. */
function sizeOf(text: string, start: number, end: number): number {
  let size = 0;
  let at = start;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    const letter = code | 32;
    if (code >= 48 && code <= 57) size = size * 16 + code - 48;
    else if (letter >= 97 && letter <= 102) size = size * 16 + letter - 87;
    else break;
  }
  const digits = at - start;
  const isWhole = at === end || text.charCodeAt(at) === SEMICOLON;
  return digits > 0 && digits <= MAX_SIZE_DIGITS && isWhole ? size : -1;
}
