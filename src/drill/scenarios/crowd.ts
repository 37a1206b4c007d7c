import { openAll, Watch } from "../rehearsal.ts";
import type { StreamRecord } from "../stream-record.ts";
import type { DrillArena, Entry } from "./drill-arena.ts";
import { probe } from "./probes.ts";
import type { DrillOptions } from "./run-drill.ts";
import type { Scenario } from "./scenario.ts";

/** The streams of a drill, and the requests that come after the fault. */
export class Crowd {
  readonly watch = new Watch();
  readonly streams: ReturnType<typeof openAll>;
  /** Streams of a replica that will be killed. */
  readonly doomed: ReadonlySet<string>;
  readonly #arena: DrillArena;
  readonly #scenario: Scenario;
  readonly #victim: string;
  readonly #entry: Entry;

  constructor(arena: DrillArena, scenario: Scenario, options: DrillOptions, victim: string) {
    this.#arena = arena;
    this.#scenario = scenario;
    this.#victim = victim;
    this.#entry = entryOf(arena);
    const entries = scenario.outcome === "replica" ? arena.replicas : [this.#entry];
    const { random, answerTokens, onPiece } = options;
    const opened = entries.map(({ name, baseUrl, apiKey }, at) => {
      const front = { baseUrl, active: () => "", moves: [], ...(apiKey === undefined ? {} : { apiKey }) };
      const count = Math.floor((options.streams + at) / entries.length);
      const round = {
        fault: "gpu-xid" as const,
        streams: count,
        ...(random && { random }),
        ...(answerTokens && { answerTokens }),
        ...(onPiece && { onPiece }),
      };
      return { name, streams: openAll(arena, front, round, this.watch) };
    });
    this.streams = opened.flatMap(({ streams }) => streams);
    this.doomed = new Set(
      opened
        .filter(({ name }) => name === victim)
        .flatMap(({ streams }) => streams.map(({ record }) => record.request.name)),
    );
  }

  async writing(): Promise<void> {
    await this.watch.until(() =>
      this.streams.every(({ record }) => record.pieces.length >= 2 || record.endedAtMs !== null),
    );
  }

  /** What comes after: where requests go then is part of what a planned move and a lost replica promise. */
  async probes(signal?: AbortSignal): Promise<StreamRecord[]> {
    const { outcome } = this.#scenario;
    if (outcome !== "planned" && outcome !== "replica") return [];
    const survivor = this.#arena.replicas.find(({ name }) => name !== this.#victim);
    // On a cluster the address itself moves to the survivor, and that is what clients know.
    const isDirect = outcome === "replica" && this.#arena.kind === "rehearsal" && survivor !== undefined;
    return probe(this.#arena, isDirect ? survivor : this.#entry, signal);
  }

  leave(): void {
    for (const stream of this.streams) stream.leave();
  }
}

function entryOf({ front: { baseUrl, apiKey } }: DrillArena): Entry {
  return { name: "", baseUrl, ...(apiKey === undefined ? {} : { apiKey }) };
}
