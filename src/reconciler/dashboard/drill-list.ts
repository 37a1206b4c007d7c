import type { Logger } from "pino";
import type { Drill } from "../../manifests/drill/resource.ts";
import type { DrillNote } from "../../report/dashboard/sources.ts";

/** After a read that failed. */
const AGAIN_MS = 5_000;

/** The last records of drills and failovers: read when one begins or ends, which the watch of those that run tells. */
export class DrillList {
  notes: readonly DrillNote[] = [];
  readonly #read: () => Promise<readonly DrillNote[]>;
  readonly #onNews: () => void;
  readonly #log: Logger;
  #known: string | null = null;
  #isReading = false;
  #againMs = 0;

  constructor(read: () => Promise<readonly DrillNote[]>, onNews: () => void, log: Logger) {
    this.#read = read;
    this.#onNews = onNews;
    this.#log = log;
  }

  /** With every look at the cluster; reads anew only where those that run are others than before. */
  see(running: readonly Pick<Drill, "metadata">[]): void {
    const key = running
      .map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
      .sort()
      .join();
    if (key === this.#known || this.#isReading || performance.now() < this.#againMs) return;
    this.#isReading = true;
    void this.#read()
      .then((notes) => {
        this.#known = key;
        this.notes = notes;
        this.#onNews();
      })
      .catch((error: unknown) => {
        this.#againMs = performance.now() + AGAIN_MS;
        this.#log.warn({ error: String(error) }, "the records of drills cannot be read");
      })
      .finally(() => {
        this.#isReading = false;
      });
  }
}
