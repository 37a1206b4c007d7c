/** No frame is near this long: what has no end is not ours. */
const MAX_LINE_BYTES = 1_048_576;
const NEWLINE = 10;

/** Splits bytes into lines; a line may come in many pieces. One that is too long is dropped whole. */
export class Lines {
  #rest: Buffer = Buffer.alloc(0);
  #skipping = false;

  push(bytes: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      const piece = bytes.subarray(from, end);
      const line = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
      if (!this.#skipping && line.length <= MAX_LINE_BYTES) lines.push(line.toString("utf8"));
      this.#rest = Buffer.alloc(0);
      this.#skipping = false;
      from = end + 1;
    }
    if (from < bytes.length && !this.#skipping) this.#rest = Buffer.concat([this.#rest, bytes.subarray(from)]);
    if (this.#rest.length > MAX_LINE_BYTES) {
      this.#rest = Buffer.alloc(0);
      this.#skipping = true;
    }
    return lines;
  }
}
