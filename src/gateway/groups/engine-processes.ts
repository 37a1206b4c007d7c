/**
 * Which processes of a server are those of the engine that runs, as its agent tells. An agent that was held up tells of an
 * end when its successor has long started: by the time of either nobody could say which came first.
 */
export class EngineProcesses {
  /** Heard of last, also on an earlier connection. */
  #launcher: number | null = null;
  /** What this connection has told of it: it runs, and has not ended. */
  #runs = false;
  #own = new Set<number>();
  #former = new Set<number>();

  /** Heard running. True if it is another engine than was heard of last: whoever looks after ranks is told before them. */
  launcher(pid: number): boolean {
    this.#runs = true;
    if (pid === this.#launcher) return false;
    this.#launcher = pid;
    this.#former = this.#own;
    this.#own = new Set();
    this.rank(pid);
    return true;
  }

  /** Its end was told. False if it is the late end of a predecessor: nothing would ever acquit the group of it. */
  launcherEnded(pid: number): boolean {
    if (this.#runs && pid !== this.#launcher) return false;
    this.#runs = false;
    return true;
  }

  /** A new connection to the agent: engines may have come and gone since the last one. */
  reconnected(): void {
    this.#runs = false;
  }

  /** Heard running, or stopped. The kernel gives a number out again. */
  rank(pid: number): void {
    this.#own.add(pid);
    this.#former.delete(pid);
  }

  /** Its end says nothing about the engine that runs now. */
  isFormer(pid: number): boolean {
    return this.#former.has(pid);
  }
}
