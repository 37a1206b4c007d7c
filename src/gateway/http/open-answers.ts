import type { ServerResponse } from "node:http";

/**
 * The answers that clients have not got to their end: those that are written, those whose question is still being read, and the
 * last bytes of those that are complete, which Node throws away when it closes a server's connections.
 */
export class OpenAnswers {
  readonly #open = new Set<ServerResponse>();
  #onNone: (() => void) | null = null;

  add(response: ServerResponse): void {
    this.#open.add(response);
    response.once("close", () => {
      this.#open.delete(response);
      if (this.#open.size === 0) this.#onNone?.();
    });
  }

  /** Resolves when there is none, at the latest after `withinMs`. */
  async over(withinMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onNone = resolve;
      timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
    this.#onNone = null;
  }
}
