import { type ChildProcess, spawn } from "node:child_process";
import type { Source } from "../source.ts";
import type { TailHandlers } from "./tail-file.ts";

const RETRY_MS = 500;

/**
 * Follows the device `/dev/kmsg` through a `cat`, which sits in its blocking read and passes each record on at once.
 * Node would hold a thread in that read and could not end. When the kernel overruns the reader (EPIPE) or somebody ends
 * the helper it is started anew, and begins with the oldest record that the kernel still has.
 */
export class FollowDevice implements Source {
  readonly #path: string;
  readonly #handlers: TailHandlers;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(path: string, handlers: TailHandlers) {
    this.#path = path;
    this.#handlers = handlers;
    this.#start();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#child?.kill("SIGKILL");
  }

  #start(): void {
    const child = spawn("cat", [this.#path], { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH } });
    this.#child = child;
    let complaint = "";
    child.stdout.on("data", (bytes: Buffer) => {
      this.#handlers.onState("working", "");
      this.#handlers.onBytes(bytes);
    });
    child.stderr.on("data", (bytes: Buffer) => {
      complaint = bytes.toString("utf8").trim().slice(0, 200);
    });
    child.on("error", (error) => {
      complaint = error.message;
    });
    child.on("close", (code, signal) => {
      if (this.#stopped) return;
      this.#handlers.onRestart();
      // An overrun is no failure: the kernel was faster than we, and all that it still has is read again.
      const overrun = complaint.includes("Broken pipe");
      if (!overrun) this.#handlers.onState("failed", complaint || `cat ended with ${signal ?? code}`);
      this.#timer = setTimeout(() => this.#start(), overrun ? 0 : RETRY_MS);
    });
  }
}
