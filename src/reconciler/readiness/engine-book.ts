import type { EngineInfo, GroupFacts } from "../../failover/readiness/facts.ts";
import { EngineClient, EngineFailure } from "./engine-client.ts";
import type { Side } from "./golden-prover.ts";

/** The engines of the groups: a client for each address, and what each said of itself last. */
export class EngineBook {
  readonly #key: string | null;
  readonly #clients = new Map<string, EngineClient>();
  readonly #infos = new Map<string, { info: EngineInfo; atMs: number }>();

  constructor(key: string | null) {
    this.#key = key;
  }

  get hasKey(): boolean {
    return this.#key !== null;
  }

  infoOf({ id }: GroupFacts): EngineInfo | null {
    return this.#infos.get(id)?.info ?? null;
  }

  /** Asks again where the last answer is older than `maxAgeMs`. @throws EngineFailure */
  async ask(group: GroupFacts, signal: AbortSignal, timeoutMs: number, maxAgeMs = 0): Promise<void> {
    const known = this.#infos.get(group.id);
    if (known !== undefined && performance.now() - known.atMs < maxAgeMs) return;
    const info = await this.#clientOf(group).info(signal, timeoutMs);
    this.#infos.set(group.id, { info, atMs: performance.now() });
  }

  /** @throws EngineFailure where no server holds rank 0 */
  side(group: GroupFacts): Side {
    return { id: group.id, revision: group.revision, engine: this.#clientOf(group), info: this.infoOf(group) };
  }

  forget(): void {
    this.#infos.clear();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  #clientOf({ id, engine }: GroupFacts): EngineClient {
    if (engine === null) throw new EngineFailure("away", `no server holds rank 0 of group ${id}`);
    const known = this.#clients.get(engine) ?? new EngineClient(engine, this.#key);
    this.#clients.set(engine, known);
    return known;
  }
}
