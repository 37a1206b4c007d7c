import type { ServerResponse } from "node:http";

/** Writes an event stream: headers with the first frame, and frames of one moment in one packet. */
export class StreamWriter {
  readonly #response: ServerResponse;
  #text = "";

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  write(frames: string): void {
    if (frames === "") return;
    if (this.#text === "") process.nextTick(() => this.#flush());
    this.#text += frames;
  }

  end(frames: string): void {
    this.#head();
    this.#response.end(this.#text + frames);
    this.#text = "";
  }

  #flush(): void {
    if (this.#text === "") return;
    this.#head();
    this.#response.write(this.#text);
    this.#text = "";
  }

  #head(): void {
    // As uvicorn sends it.
    if (!this.#response.headersSent)
      this.#response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  }
}
