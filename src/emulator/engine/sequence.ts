import { advance, tokenAt } from "../tokens.ts";
import type { EngineRequest, Finish, Generated, Progress } from "./request.ts";
import { encode } from "./tokenizer.ts";

/** DeepSeek's end-of-sentence id, what `matched_stop` shows when the model stopped by itself. */
const EOS_ID = 1;

/** A request inside the scheduler: its place in prefill and decode, and what it wrote. */
export class Sequence {
  readonly request: EngineRequest;
  readonly dpRank: number;
  readonly queuedAt: number;
  startedAt = 0;
  lastTokenAt = 0;
  cachedTokens = 0;
  /** Prompt tokens whose KV exists; a retracted sequence starts again from its cached prefix. */
  prefilled = 0;
  /** Of its tokens those whose KV is in the prefix cache: they take no other room. */
  sharedTokens = 0;
  outputIds: number[] = [];
  reasoningTokens = 0;
  #text = "";
  #emittedChars = 0;

  constructor(request: EngineRequest, dpRank: number, now: number) {
    this.request = request;
    this.dpRank = dpRank;
    this.queuedAt = now;
  }

  /** Tokens of KV that this sequence holds or will hold after its prefill. */
  get tokens(): number {
    return this.request.promptIds.length + this.outputIds.length;
  }

  get remaining(): number {
    return this.request.maxNewTokens - this.outputIds.length;
  }

  get progress(): Progress {
    return {
      promptTokens: this.request.promptIds.length,
      completionTokens: this.outputIds.length,
      reasoningTokens: this.reasoningTokens,
      cachedTokens: this.cachedTokens,
    };
  }

  /** Writes the next token. `alter` lets a planted fault change its text. */
  next(alter: (text: string) => string): { token: Generated; finish: Finish | null } {
    const { shape, state, stop, ignoreEos } = this.request;
    const endless = ignoreEos ? { ...shape, answer: Number.MAX_SAFE_INTEGER } : shape;
    const whole = tokenAt(endless, state);
    // The end-of-sentence token is one of the completion tokens and has no text.
    if (whole === null) {
      this.outputIds.push(EOS_ID);
      return { token: { text: "", id: EOS_ID }, finish: { type: "stop", matched: EOS_ID } };
    }
    const text = alter(whole.slice(state.skip));
    this.outputIds.push(encode(text)[0] ?? 0);
    if (state.section === "open" || state.section === "reasoning") this.reasoningTokens++;
    this.request.state = advance(endless, state);
    this.#text += text;
    const id = this.outputIds.at(-1) as number;
    const hit = stop.length === 0 ? null : this.#stopHit(stop);
    if (hit !== null) {
      const kept = this.#text.slice(this.#emittedChars, Math.max(hit.at, this.#emittedChars));
      return { token: { text: kept, id }, finish: { type: "stop", matched: hit.stop } };
    }
    this.#emittedChars = this.#text.length;
    return {
      token: { text, id },
      finish: this.remaining <= 0 ? { type: "length", length: this.outputIds.length } : null,
    };
  }

  #stopHit(stop: readonly string[]): { at: number; stop: string } | null {
    let first: { at: number; stop: string } | null = null;
    for (const text of stop) {
      const at = this.#text.indexOf(text, Math.max(0, this.#emittedChars - text.length));
      if (at >= 0 && (first === null || at < first.at)) first = { at, stop: text };
    }
    return first;
  }
}
