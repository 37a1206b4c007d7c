const NAME = /stream-\d+-of-[0-9a-z]+/g;
/** Longer than any name, so that one cut by two packets is found. */
const OVERLAP = 48;

/** Finds the names of checked streams in requests that pass by: who asked which server, and when, without asking anybody. */
export class StreamSpotter {
  readonly #tails = new Map<number, string>();
  readonly #found: (stream: string) => void;

  constructor(found: (stream: string) => void) {
    this.#found = found;
  }

  look(bytes: Buffer, connection: number): void {
    const tail = this.#tails.get(connection) ?? "";
    const text = tail + bytes.toString("latin1");
    let keepFrom = text.length - OVERLAP;
    for (const match of text.matchAll(NAME)) {
      const end = match.index + match[0].length;
      // A name that touches the end may go on in the next packet.
      if (end === text.length) keepFrom = Math.min(keepFrom, match.index);
      else {
        this.#found(match[0]);
        keepFrom = Math.max(keepFrom, end);
      }
    }
    this.#tails.set(connection, text.slice(Math.max(0, keepFrom)));
  }
}
