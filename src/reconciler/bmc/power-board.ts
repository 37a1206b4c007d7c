import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NotLeader } from "../actions/hands.ts";
import { type Bmc, redfish } from "./redfish.ts";

/** Between two tries of a BMC that did not do as asked. */
const AWAY_MS = 30_000;
/** Between two looks at one BMC: they are slow, and answer one at a time. */
const ASK_EVERY_MS = 500;

/** The BMCs of the servers, with the passwords that lie in a folder: `NAME.user`, `NAME.password`, `NAME.ca`, `NAME.sha256`. */
export class PowerBoard {
  /** The last word of each BMC that was asked. */
  readonly seen = new Map<string, { power: "on" | "off"; atMs: number }>();
  readonly #folder: string | undefined;
  readonly #onNews: () => void;
  readonly #asked = new Map<string, { pending: boolean; atMs: number }>();
  readonly #failedMs = new Map<string, number>();

  constructor(folder: string | undefined, onNews: () => void) {
    this.#folder = folder;
    this.#onNews = onNews;
  }

  /** @throws Error with the name of the file that is missing */
  open(server: string, url: string): Bmc {
    if (this.#folder === undefined)
      throw new Error(`TANDEM_BMC_FOLDER is not set, so ${server} has no user or password`);
    const file = (name: string) => readFileSync(join(this.#folder as string, `${server}.${name}`), "utf8").trim();
    const optional = (name: string) => {
      try {
        return file(name);
      } catch {
        return undefined;
      }
    };
    const [ca, fingerprint] = [optional("ca"), optional("sha256")];
    return redfish({
      url,
      user: file("user"),
      password: file("password"),
      ...(ca === undefined ? {} : { ca }),
      ...(fingerprint === undefined ? {} : { fingerprint }),
    });
  }

  /** Servers whose BMC failed a moment ago. */
  away(atMs: number): ReadonlySet<string> {
    return new Set([...this.#failedMs].flatMap(([server, failedMs]) => (atMs - failedMs < AWAY_MS ? [server] : [])));
  }

  /** Runs one piece of work with the BMC of a server, and closes it. */
  async with<Result>(server: string, url: string, work: (bmc: Bmc) => Promise<Result>): Promise<Result> {
    let bmc: Bmc | undefined;
    try {
      bmc = this.open(server, url);
      const result = await work(bmc);
      this.#failedMs.delete(server);
      return result;
    } catch (error) {
      if (!(error instanceof NotLeader)) this.#failedMs.set(server, performance.now());
      throw error;
    } finally {
      await bmc?.close();
    }
  }

  note(server: string, power: "on" | "off"): void {
    const before = this.seen.get(server)?.power;
    this.seen.set(server, { power, atMs: performance.now() });
    if (before !== power) this.#onNews();
  }

  /** Asks without waiting; the answer wakes whoever decides. One question at a time per server. */
  ask(server: string, url: string): void {
    const before = this.#asked.get(server);
    const atMs = performance.now();
    if (before !== undefined && (before.pending || atMs - before.atMs < ASK_EVERY_MS)) return;
    const question = { pending: true, atMs };
    this.#asked.set(server, question);
    void this.with(server, url, (bmc) => bmc.power())
      .then(
        (power) => (power === "other" ? this.seen.delete(server) : this.note(server, power)),
        () => this.seen.delete(server),
      )
      .finally(() => {
        question.pending = false;
      });
  }
}
