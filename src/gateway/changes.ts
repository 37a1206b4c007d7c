/** Longest wait of one question: whoever asks wants the counts as well, which change without news. */
const MAX_WAIT_MS = 2_000;

/** Numbers what this gateway does, so that a question can be answered at the moment at which something new is done. */
export class Changes {
  #version = 1;
  readonly #waiting = new Set<() => void>();

  /** Of this process alone: one that was started anew counts anew, so only "the same" and "another" say something. */
  get version(): number {
    return this.#version;
  }

  tell(): void {
    this.#version += 1;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when the version is another than `version`, at the latest after `waitMs` milliseconds. */
  async after(version: number, waitMs: number): Promise<void> {
    if (version !== this.#version) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(waitMs, MAX_WAIT_MS));
      this.#waiting.add(wake);
    });
  }
}
