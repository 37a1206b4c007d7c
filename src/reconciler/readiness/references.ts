import { noiseOf, type Reference } from "../../failover/readiness/answers.ts";
import type { EngineInfo } from "../../failover/readiness/facts.ts";
import { GOLDEN_PROMPTS } from "../../failover/readiness/golden-prompts.ts";
import { bestOf, type Pace } from "../../failover/readiness/speed.ts";
import type { EngineClient } from "./engine-client.ts";
import { askGolden, measurePace, shapesOf } from "./golden-round.ts";

/** Revisions whose answers are kept: the one that serves, the one that comes, and some to go back to. */
const KEPT = 8;

export interface ReferenceGroup {
  id: string;
  revision: string;
  engine: EngineClient;
  info: EngineInfo;
}

/**
 * What each revision answered, asked of the group that serves it: twice each, once in the life of this process, so that the
 * share of its traffic is bounded. The second time tells how much its own answers differ.
 */
export class References {
  readonly #known = new Map<string, Reference>();
  readonly #paces = new Map<string, Pace>();

  of(revision: string): Reference | null {
    return this.#known.get(revision) ?? null;
  }

  paceOf(revision: string): Pace | null {
    return this.#paces.get(revision) ?? null;
  }

  notePace(revision: string, pace: Pace): void {
    this.#paces.set(revision, bestOf(this.paceOf(revision), pace));
  }

  forget(revision: string): void {
    this.#known.delete(revision);
  }

  /** @throws EngineFailure when the group does not answer. */
  async take(
    { id, revision, engine, info }: ReferenceGroup,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<Reference> {
    const asking = { engine, shapes: { ...shapesOf(info), attentionDp: 1 }, signal, timeoutMs };
    const first = await askGolden(asking);
    const second = await askGolden(asking);
    // Under load it is slow without fault, so its pace only ever lowers what is expected of the others.
    const pace = await measurePace(asking, 0);
    const reference: Reference = {
      group: id,
      revision,
      model: modelOf(info),
      answers: first.slice(0, GOLDEN_PROMPTS.length),
      noise: noiseOf(first, second),
    };
    this.#known.set(revision, reference);
    for (const old of [...this.#known.keys()].slice(0, -KEPT)) this.forget(old);
    this.notePace(revision, pace);
    return reference;
  }
}

export const modelOf = (info: EngineInfo) => String(info.model_path ?? "");

/** Answers by prompt: with attention DP more ranks answer than there are prompts. */
export const promptAt = (at: number) => at % GOLDEN_PROMPTS.length;
