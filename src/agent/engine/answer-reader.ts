/** One answer of an engine. `isLast`: the connection is of no more use. */
export interface HttpAnswer {
  status: number;
  body: string;
  isLast: boolean;
}

/** A busy engine prints some hundred kilobytes of metrics. */
const MAX_BYTES = 4 * 1_048_576;
const MAX_HEAD_BYTES = 65_536;
const LINE_FEED = 10;

type Head = { status: number; isLast: boolean; bodyAt: number; body: number | "chunks" | "rest" };

/**
 * Puts the answer to one GET together from the bytes of a connection: of known length, in chunks (RFC 9112, 7.1), or all that
 * comes until the end. What goes beyond it, or is no HTTP, is refused by throwing: whoever sends that is no engine.
 */
export class AnswerReader {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #head: Head | null = null;

  /** Whether anything was heard. */
  get hasBegun(): boolean {
    return this.#bytes > 0;
  }

  /** Null while more has to come. */
  push(piece: Buffer): HttpAnswer | null {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes > MAX_BYTES) throw new Error("the answer has no end");
    this.#head ??= headOf(this.#whole());
    if (this.#head === null) {
      if (this.#bytes > MAX_HEAD_BYTES) throw new Error("the head of the answer has no end");
      return null;
    }
    const { body, bodyAt } = this.#head;
    if (body === "rest") return null;
    if (body === "chunks") {
      // The last one ends with a line, as most pieces do not.
      const chunks = piece.at(-1) === LINE_FEED ? joinChunks(this.#whole().subarray(bodyAt)) : null;
      return chunks === null ? null : this.#answer(chunks);
    }
    if (this.#bytes > bodyAt + body) throw new Error("the answer is longer than it says");
    return this.#bytes < bodyAt + body ? null : this.#answer(this.#whole().subarray(bodyAt));
  }

  /** The connection has ended: null unless that is how the answer ends. */
  end(): HttpAnswer | null {
    return this.#head?.body === "rest" ? this.#answer(this.#whole().subarray(this.#head.bodyAt)) : null;
  }

  #answer(body: Buffer): HttpAnswer {
    const { status = 0, isLast = true } = this.#head ?? {};
    return { status, isLast, body: body.toString("utf8") };
  }

  #whole(): Buffer {
    if (this.#pieces.length > 1) this.#pieces.splice(0, this.#pieces.length, Buffer.concat(this.#pieces));
    return this.#pieces[0] as Buffer;
  }
}

function headOf(bytes: Buffer): Head | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const text = bytes.toString("latin1", 0, end).toLowerCase();
  const [, minor, code] = /^http\/1\.(\d) (\d{3})/.exec(text) ?? [];
  if (code === undefined) throw new Error("the answer is no HTTP");
  const status = Number(code);
  const header = (name: string) => new RegExp(`\r\n${name}:[ \t]*([^\r]*)`).exec(text)?.[1]?.trim();
  const length = header("content-length");
  if (length !== undefined && !/^\d+$/.test(length)) throw new Error("the length of the answer is no number");
  const isChunked = header("transfer-encoding") !== undefined;
  const body =
    status === 204 || status === 304 ? 0 : isChunked ? "chunks" : length === undefined ? "rest" : Number(length);
  const isLast = body === "rest" || minor === "0" || header("connection") === "close";
  return { status, isLast, bodyAt: end + 4, body };
}

/** What the chunks hold; null while the last one has not come. */
function joinChunks(bytes: Buffer): Buffer | null {
  const found: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
    if (Number.isNaN(size)) throw new Error("a chunk of the answer has no size");
    if (size === 0) {
      // Fields may stand behind the last chunk; an empty line ends them.
      const over = bytes.indexOf("\r\n\r\n", end);
      if (over >= 0 && over + 4 < bytes.length) throw new Error("the answer is longer than it says");
      return over < 0 ? null : Buffer.concat(found);
    }
    found.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
    if (at > bytes.length) return null;
  }
}
