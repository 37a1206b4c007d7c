/** Splits a server-sent event stream into the `data` of its events, however it is cut into pieces. */
export class SseReader {
  #rest = "";
  #data: string[] = [];

  /** The payloads that this piece of text completes. */
  push(text: string): string[] {
    this.#rest += text;
    const events: string[] = [];
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.#data.length > 0) events.push(this.#data.join("\n"));
        this.#data = [];
      } else if (line.startsWith("data:")) this.#data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
      // Comments keep a connection open, and other fields say nothing that the API of OpenAI uses.
    }
    return events;
  }

  /** What came after the last whole event: an answer cut off in the middle. */
  get unfinished(): string {
    return [...this.#data, this.#rest].join("\n");
  }
}
