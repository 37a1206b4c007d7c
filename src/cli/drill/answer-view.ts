import type { StreamRecord } from "../../drill/stream-record.ts";

const WIDTH = 100;
/** Shorter ones are the prefill of others: a step takes 24 ms, a silence that is one 600 ms at least. */
const SEAM_MS = 500;
const PROMPT_CHARS = 70;
const INDENT = "          | ";

/**
 * One answer of a drill as its reader sees it, token by token between the lines of the story. A silence that a reader would
 * notice stands in it with its seconds.
 */
export class AnswerView {
  readonly #write: (text: string) => void;
  #shown: StreamRecord | null = null;
  #pieces = 0;
  #column = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Any stream has got a piece of text. */
  take(record: StreamRecord): void {
    if (this.#shown === null && record.request.kind !== "completion") this.#begin(record);
    if (record !== this.#shown) return;
    for (const { text, atMs } of record.pieces.slice(this.#pieces)) {
      const before = record.pieces[this.#pieces - 1];
      this.#pieces++;
      const silentMs = before === undefined ? 0 : atMs - before.atMs;
      if (silentMs >= SEAM_MS) this.#add(`[${(silentMs / 1000).toFixed(2)} s] `);
      this.#add(text);
    }
  }

  /** Another line comes: the answer goes on below it. */
  break(): void {
    if (this.#column > 0) this.#write("\n");
    this.#column = 0;
  }

  #begin(record: StreamRecord): void {
    this.#shown = record;
    const { prompt } = record.request;
    const shown = prompt.length > PROMPT_CHARS ? `${prompt.slice(0, PROMPT_CHARS)}…` : prompt;
    this.break();
    this.#write(`${INDENT}> ${shown}\n`);
  }

  #add(text: string): void {
    if (this.#column + text.length > WIDTH) this.break();
    if (this.#column === 0) this.#write(INDENT);
    this.#write(text);
    this.#column = Math.max(this.#column, INDENT.length) + text.length;
  }
}
