import { answerToken, reasoningToken, tagOf } from "../emulator/tokens.ts";

/** Which endpoint a checked stream uses, and whether its model thinks first. */
export type StreamKind = "chat" | "chat-thinking" | "completion";

/** One stream of the checking client: what is asked, and with it what must come back. */
export interface StreamRequest {
  /** Stands in the prompt, so that a request is recognised wherever it passes: `stream-7-of-3f2a`. */
  name: string;
  kind: StreamKind;
  prompt: string;
  /** Tokens after which the model stops by itself. */
  answerTokens: number;
  /** Tokens of reasoning before them; 0 unless the kind is `chat-thinking`. */
  reasoningTokens: number;
  /** The model writes the opening tag too, a token without visible text (R1-0528). */
  opensThink: boolean;
  maxTokens: number;
}

/** What a right answer to a request is, token by token. */
export interface ExpectedAnswer {
  tag: string;
  reasoning: string[];
  answer: string[];
  finishReason: "stop" | "length";
  completionTokens: number;
  /** Reasoning with its tags, as `usage` counts them. */
  usageReasoningTokens: number;
}

/** Recomputes the whole answer from the prompt alone. */
export function expectedAnswer(request: StreamRequest): ExpectedAnswer {
  const thinks = request.kind === "chat-thinking";
  const opening = thinks && request.opensThink ? 1 : 0;
  const closing = thinks ? 1 : 0;
  const end = 1;
  const whole = opening + request.reasoningTokens + closing + request.answerTokens + end;
  const completionTokens = Math.min(whole, request.maxTokens);
  const reasoning = Math.max(0, Math.min(request.reasoningTokens, completionTokens - opening));
  const answer = Math.max(
    0,
    Math.min(request.answerTokens, completionTokens - opening - request.reasoningTokens - closing),
  );
  const tag = tagOf(request.prompt);
  return {
    tag,
    reasoning: Array.from({ length: reasoning }, (_, index) => reasoningToken(tag, index)),
    answer: Array.from({ length: answer }, (_, index) => answerToken(tag, index)),
    finishReason: request.maxTokens < whole ? "length" : "stop",
    completionTokens,
    usageReasoningTokens: thinks ? Math.min(completionTokens, opening + request.reasoningTokens + closing) : 0,
  };
}

/** The path and body of a request as any OpenAI client would send them. */
export function bodyOf(request: StreamRequest, model: string): { path: string; body: Record<string, unknown> } {
  const common = {
    model,
    stream: true,
    max_tokens: request.maxTokens,
    stream_options: { include_usage: true },
  };
  if (request.kind === "completion") return { path: "/completions", body: { ...common, prompt: request.prompt } };
  return {
    path: "/chat/completions",
    body: {
      ...common,
      messages: [{ role: "user", content: request.prompt }],
      // A template that knows the word thinks when asked; all others read past it.
      chat_template_kwargs: { thinking: request.kind === "chat-thinking" },
    },
  };
}
