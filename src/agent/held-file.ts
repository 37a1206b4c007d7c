import { close, open, read } from "node:fs";

/** Longer than any value of `/sys/class/infiniband`, which is one word or two. */
const MAX_BYTES = 128;

/**
 * A small file of the kernel that is read over and over, held open: one step of another thread instead of five, and a file of
 * `/sys` is made anew for each read from its start. Of a device that is gone a read fails, and the file is looked for again.
 * One read at a time.
 */
export class HeldFile {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(MAX_BYTES);
  #fd: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** What it holds now, without white space around it; empty where there is no such file. May never come back, and never fails. */
  async text(): Promise<string> {
    const held = this.#fd !== null;
    this.#fd ??= await opened(this.#path);
    if (this.#fd === null) return "";
    const count = await readInto(this.#fd, this.#buffer);
    if (count !== null) return this.#buffer.toString("latin1", 0, count).trim();
    this.close();
    return held ? this.text() : "";
  }

  /** Not while it is being read. It is opened again when it is asked for. */
  close(): void {
    if (this.#fd !== null) close(this.#fd);
    this.#fd = null;
  }
}

function opened(path: string): Promise<number | null> {
  return new Promise((resolve) => open(path, "r", (error, fd) => resolve(error ? null : fd)));
}

function readInto(fd: number, buffer: Buffer): Promise<number | null> {
  return new Promise((resolve) =>
    read(fd, buffer, 0, buffer.length, 0, (error, count) => resolve(error ? null : count)),
  );
}
