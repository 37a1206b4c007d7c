import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { entryPath } from "../../machines/entry-path.ts";

const MAIN = entryPath(new URL("./dark-port-main.ts", import.meta.url));
/** Connections after which the kernel's queue is full: its backlog of 1, and one more. */
const FILLERS = 2;

/**
 * A port of loopback on which connecting takes forever, as to a server without power: Linux drops the SYN of a connection
 * for which the queue of the listener has no room. A closed port would refuse at once, and an open one accepts: either is
 * an answer, and a server that is off gives none.
 */
export class DarkPort {
  readonly #hold = new SharedArrayBuffer(4);
  readonly #worker: Worker;
  readonly #fillers: Socket[] = [];
  readonly #port: number;

  /** Prepares it; the port stays as it is. Its present listener must allow another one (`reusePort`). */
  constructor(port: number) {
    this.#port = port;
    this.#worker = new Worker(MAIN, { workerData: { port, hold: this.#hold } });
    this.#worker.unref();
  }

  /** Takes the port over; `leave` ends its present listener. */
  async darken(leave: () => void): Promise<void> {
    const listening = once(this.#worker, "message");
    this.#worker.postMessage("listen");
    await listening;
    leave();
    for (let count = 0; count < FILLERS; count++) {
      const filler = createConnection({ port: this.#port, host: "127.0.0.1" });
      filler.unref().on("error", () => {});
      this.#fillers.push(filler);
      await once(filler, "connect");
    }
  }

  /** Gives the port back. */
  async close(): Promise<void> {
    for (const filler of this.#fillers) filler.destroy();
    Atomics.store(new Int32Array(this.#hold), 0, 1);
    Atomics.notify(new Int32Array(this.#hold), 0);
    // One that never listened waits for its order.
    if (this.#fillers.length === 0) await this.#worker.terminate();
    else await once(this.#worker, "exit");
  }
}
