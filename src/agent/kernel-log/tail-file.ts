import { closeSync, type FSWatcher, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { untilAligned } from "../../stream/aligned-timer.ts";
import type { Source } from "../source.ts";

export interface TailHandlers {
  onBytes(bytes: Buffer): void;
  /** The file is another one or shorter than before: what follows does not continue what was read. */
  onRestart(): void;
  onState(state: "working" | "failed", detail: string): void;
}

/** Notifications do not exist everywhere and can run out; then this is how late a line is seen. */
const SAFETY_MS = 25;
const WITH_NOTIFICATIONS_MS = 250;
/** Of a file that is there already: more than the ring of a kernel holds. */
const BACKLOG_BYTES = 4 * 1_048_576;
const CHUNK_BYTES = 65_536;
/** Then others get their turn, first of all the heartbeat. */
const CHUNKS_A_TURN = 8;

/** Reads a regular file as it grows: the kernel log of a local machine, where a file stands for `/dev/kmsg`. */
export class TailFile implements Source {
  readonly #path: string;
  readonly #handlers: TailHandlers;
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #fd: number | null = null;
  #inode = 0;
  #at = 0;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(path: string, handlers: TailHandlers) {
    this.#path = path;
    this.#handlers = handlers;
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#close();
  }

  /** Is it still the same file? Opens it if not. Then reads. */
  #look(): void {
    if (this.#stopped) return;
    try {
      const { ino } = statSync(this.#path);
      if (this.#fd === null || ino !== this.#inode) this.#open(ino);
      this.#read();
    } catch (error) {
      this.#close();
      this.#handlers.onState("failed", (error as Error).message);
    }
    clearTimeout(this.#timer);
    const everyMs = this.#watcher === undefined ? SAFETY_MS : WITH_NOTIFICATIONS_MS;
    this.#timer = setTimeout(() => this.#look(), untilAligned(everyMs, Date.now()));
  }

  #open(inode: number): void {
    const again = this.#inode !== 0;
    this.#close();
    this.#fd = openSync(this.#path, "r");
    this.#inode = inode;
    // What was written before we came counts: an agent that restarts must not lose the line that came in between.
    this.#at = Math.max(0, fstatSync(this.#fd).size - BACKLOG_BYTES);
    if (again) this.#handlers.onRestart();
    try {
      this.#watcher = watch(this.#path, { persistent: false }, () => this.#read());
      this.#watcher.on("error", () => this.#unwatch());
    } catch {
      this.#unwatch();
    }
    this.#handlers.onState("working", "");
  }

  #read(): void {
    if (this.#fd === null || this.#stopped) return;
    for (let chunk = 0; chunk < CHUNKS_A_TURN; chunk++) {
      const count = readSync(this.#fd, this.#buffer, 0, CHUNK_BYTES, this.#at);
      if (count === 0 && !this.#cutShort(this.#fd)) return;
      this.#at += count;
      if (count > 0) this.#handlers.onBytes(this.#buffer.subarray(0, count));
    }
    setImmediate(() => this.#read());
  }

  /** Also at a notification, and not only at the next look: by then it may have grown to what it was. */
  #cutShort(fd: number): boolean {
    if (fstatSync(fd).size >= this.#at) return false;
    this.#at = 0;
    this.#handlers.onRestart();
    return true;
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #close(): void {
    this.#unwatch();
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
