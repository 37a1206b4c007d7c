import { answerToken, CALL_NAME, callTokens, reasoningToken, tagOf } from "../emulator/tokens.ts";

/** Which endpoint a checked stream uses, and whether its model thinks first. */
export type StreamKind = "chat" | "chat-thinking" | "completion";

/**
 * What makes an answer one that cannot be carried on once a part of it was sent: a tool call after the text, several
 * choices, an output that is bound to a grammar.
 */
export type Hardship = "tool-call" | "several" | "grammar";
export const HARDSHIPS: readonly Hardship[] = ["tool-call", "several", "grammar"];

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
  hardship?: Hardship;
  /** Words in the arguments of the tool call; only with that hardship. */
  callWords?: number;
}

/** How many answers to a request come side by side. */
export function choicesOf({ hardship }: StreamRequest): number {
  return hardship === "several" ? 2 : 1;
}

/** What a right answer to a request is, token by token. */
export interface ExpectedAnswer {
  tag: string;
  reasoning: string[];
  answer: string[];
  /** Arguments of the tool call, in the pieces in which they are written; null where none begins. */
  call: string[] | null;
  finishReason: "stop" | "length" | "tool_calls";
  completionTokens: number;
  /** Reasoning with its tags, as `usage` counts them. */
  usageReasoningTokens: number;
}

/** Recomputes the whole answer from the prompt alone. */
export function expectedAnswer(request: StreamRequest): ExpectedAnswer {
  const thinks = request.kind === "chat-thinking";
  const opening = thinks && request.opensThink ? 1 : 0;
  const closing = thinks ? 1 : 0;
  const tag = tagOf(request.prompt);
  const call = request.hardship === "tool-call" ? callTokens(tag, request.callWords ?? 0) : [];
  const end = 1;
  const text = opening + request.reasoningTokens + closing + request.answerTokens;
  const whole = text + call.length + end;
  const completionTokens = Math.min(whole, request.maxTokens);
  const reasoning = Math.max(0, Math.min(request.reasoningTokens, completionTokens - opening));
  const answer = Math.max(
    0,
    Math.min(request.answerTokens, completionTokens - opening - request.reasoningTokens - closing),
  );
  // The marks before and after the arguments are tokens that nobody sees.
  const written = call.slice(0, Math.max(0, completionTokens - text));
  const called = completionTokens >= text + call.length && call.length > 0;
  return {
    tag,
    reasoning: Array.from({ length: reasoning }, (_, index) => reasoningToken(tag, index)),
    answer: Array.from({ length: answer }, (_, index) => answerToken(tag, index)),
    call: written.length === 0 ? null : written.slice(1, call.length - 1),
    finishReason: request.maxTokens < whole ? "length" : called ? "tool_calls" : "stop",
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
    ...hardshipFields(request),
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

function hardshipFields(request: StreamRequest): Record<string, unknown> {
  const parameters = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
  switch (request.hardship) {
    case "tool-call":
      return {
        tools: [{ type: "function", function: { name: CALL_NAME, description: "looks a text up", parameters } }],
      };
    case "several":
      return { n: choicesOf(request) };
    case "grammar":
      return { response_format: { type: "json_schema", json_schema: { name: "text", schema: parameters } } };
    default:
      return {};
  }
}
