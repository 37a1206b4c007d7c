import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { tandemHome } from "../../src/machines/home.ts";

/** One line a run, kept over the end of this process: a bench that was ended goes on where it stopped. */
export class Journal<Entry> {
  readonly #path: string;
  #entries: Entry[];

  constructor(name: string) {
    this.#path = join(tandemHome(), "bench", `${name}.jsonl`);
    mkdirSync(dirname(this.#path), { recursive: true });
    const lines = existsSync(this.#path) ? readFileSync(this.#path, "utf8").split("\n") : [];
    // The last line of a process that was killed may be half a one.
    this.#entries = lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as Entry];
      } catch {
        return [];
      }
    });
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }

  clear(): void {
    rmSync(this.#path, { force: true });
    this.#entries = [];
  }
}
