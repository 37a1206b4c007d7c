import type { ServerResponse } from "node:http";
import { type PartId, partsOf } from "../../report/html/dashboard/page.ts";
import type { Feed } from "./feed.ts";

/** The first of several changes is sent at once, the others together after this. */
const BETWEEN_MS = 100;
/** Also without a change: whoever hears nothing for longer knows that the connection is dead. */
const BEAT_MS = 2_000;
/** A reader for whom more than this waits is cut; the browser comes back by itself. */
const MAX_PENDING_BYTES = 1_048_576;
export const MAX_READERS = 64;

interface Reader {
  response: ServerResponse;
  /** What it has, by part. */
  has: Partial<Record<PartId, string>>;
  /** Whether it may still read. */
  mayRead(): boolean;
}

/** Pushes the parts of the page that changed to everybody who looks at it. While nobody does, nothing is worked out. */
export class EventHub {
  readonly #feed: Feed;
  readonly #readers = new Set<Reader>();
  #unwatch: (() => void) | null = null;
  #beat: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | null = null;
  #sentMs = Number.NEGATIVE_INFINITY;

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  get isFull(): boolean {
    return this.#readers.size >= MAX_READERS;
  }

  /** Takes a response that is open for server-sent events. */
  add(response: ServerResponse, mayRead: () => boolean): void {
    const reader: Reader = { response, has: {}, mayRead };
    this.#readers.add(reader);
    const leave = () => this.#leave(reader);
    response.on("close", leave).on("error", leave);
    response.write("retry: 1000\n\n");
    this.#unwatch ??= this.#feed.watch(() => this.#soon());
    this.#beat ??= setInterval(() => this.#send(), BEAT_MS);
    this.#send();
  }

  close(): void {
    for (const reader of [...this.#readers]) {
      this.#leave(reader);
      reader.response.end();
    }
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#unwatch?.();
    this.#unwatch = null;
    clearInterval(this.#beat);
    this.#beat = undefined;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.#send(), Math.max(0, this.#sentMs + BETWEEN_MS - performance.now()));
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sentMs = performance.now();
    const parts = partsOf(this.#feed.dashboard());
    for (const reader of [...this.#readers]) this.#sendTo(reader, parts);
  }

  #sendTo(reader: Reader, parts: Record<PartId, string>): void {
    const { response, has, mayRead } = reader;
    if (!mayRead() || response.writableLength > MAX_PENDING_BYTES) {
      this.#leave(reader);
      return void response.destroy();
    }
    const news = Object.entries(parts).filter(([id, html]) => has[id as PartId] !== html);
    reader.has = parts;
    response.write(`event: news\ndata: ${JSON.stringify({ atMs: Date.now(), parts: Object.fromEntries(news) })}\n\n`);
  }
}
