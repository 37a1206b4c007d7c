import type { AnswerShape, TextState } from "../tokens.ts";

/** What ends a generation, as SGLang's meta_info.finish_reason. */
export type Finish =
  | { type: "stop"; matched: number | string }
  | { type: "length"; length: number }
  /** With a status code it is a refusal or a system error, without one it was asked for. */
  | { type: "abort"; message: string; statusCode?: 400 | 503 };

export interface Generated {
  text: string;
  id: number;
}

/** One sequence in the engine's hands. `emit` gets tokens as they come and exactly one finish. */
export interface EngineRequest {
  rid: string;
  promptIds: number[];
  shape: AnswerShape;
  state: TextState;
  maxNewTokens: number;
  stop: string[];
  ignoreEos: boolean;
  priority: number;
  /** Text that a planted fault looks for. */
  message: string;
  /** A health probe: it takes no place in queues and metrics. */
  probe: boolean;
  dpRank: number | null;
  /** Tokens of the prompt from here on are computed anew, whatever the cache holds. */
  recomputeFrom?: number | null;
  emit(tokens: readonly Generated[], finish: Finish | null, progress: Progress): void;
}

export interface Progress {
  promptTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  cachedTokens: number;
}
