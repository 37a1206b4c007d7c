/** SGLang's usage object, as far as it is merged; other fields pass unchanged. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  reasoning_tokens?: number;
  completion_tokens_details?: { reasoning_tokens?: number } | null;
  [field: string]: unknown;
}

/** What one answer has cost over all its legs. */
export class UsageTally {
  /** Of the first leg that said it; later ones read the text already sent as a part of their prompt. */
  #first: Usage | null = null;
  #prompt: number | null = null;
  #completion = 0;
  #reasoning = 0;

  /** Completion tokens of the legs that are over. */
  get completionTokens(): number {
    return this.#completion;
  }

  /** Tokens of the prompt, and of what was written by the legs that are over. */
  contextTokens(present: () => Usage | null, estimatedPrompt: number): number {
    // Asked of every answer several times a second, and it never changes.
    this.#prompt ??= (this.#first ?? present())?.prompt_tokens ?? null;
    return (this.#prompt ?? estimatedPrompt) + this.#completion;
  }

  /** A leg broke: what it had written counts. */
  add(completionTokens: number, last: Usage | null): void {
    this.#first ??= last;
    this.#completion += completionTokens;
    this.#reasoning += last?.reasoning_tokens ?? 0;
  }

  /** The usage of the whole answer, given that of the present leg; null is a leg that wrote nothing. */
  merge(last: Usage | null): Usage | null {
    const base = this.#first ?? last;
    if (base === null) return null;
    const completion = this.#completion + (last?.completion_tokens ?? 0);
    const reasoning = this.#reasoning + (last?.reasoning_tokens ?? 0);
    const total = base.prompt_tokens + completion;
    const merged: Usage = { ...base, completion_tokens: completion, total_tokens: total };
    if (base.reasoning_tokens !== undefined) merged.reasoning_tokens = reasoning;
    if (reasoning > 0)
      merged.completion_tokens_details = { ...base.completion_tokens_details, reasoning_tokens: reasoning };
    return merged;
  }
}

export function isUsage(value: unknown): value is Usage {
  const usage = value as Usage | null | undefined;
  return typeof usage?.prompt_tokens === "number" && typeof usage.completion_tokens === "number";
}
