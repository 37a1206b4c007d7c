import { AnswerReader } from "../../stream/http/answer-reader.ts";
import { fromBinary } from "../../stream/http/binary.ts";

/** One answer of an engine. `isLast`: the connection is of no more use. */
export interface HttpAnswer {
  status: number;
  body: string;
  isLast: boolean;
}

/** A busy engine prints some hundred kilobytes of metrics. */
const MAX_BYTES = 4 * 1_048_576;

/**
 * Puts the answer to one GET together from the bytes of a connection. What goes beyond it, has no end, or is no HTTP is refused
 * by throwing: whoever sends that is no engine.
 */
export class WholeAnswer {
  #bytes = 0;
  #status = 0;
  #body = "";
  readonly #reader = new AnswerReader({
    onHead: ({ status }) => {
      this.#status = status;
    },
    onBody: (text) => {
      this.#body += text;
    },
  });

  /** Whether anything was heard. */
  get hasBegun(): boolean {
    return this.#bytes > 0;
  }

  /** Null while more has to come. */
  push(piece: Buffer): HttpAnswer | null {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_BYTES) throw new Error("the answer has no end");
    this.#reader.push(piece.toString("latin1"));
    if (this.#reader.broken) throw new Error("the answer is no HTTP");
    if (this.#reader.surplus) throw new Error("the answer is longer than it says");
    return this.#found();
  }

  /** The connection has ended: null unless that is how the answer ends. */
  end(): HttpAnswer | null {
    this.#reader.close();
    return this.#found();
  }

  #found(): HttpAnswer | null {
    const { done, reusable } = this.#reader;
    return done ? { status: this.#status, body: fromBinary(this.#body), isLast: !reusable } : null;
  }
}
