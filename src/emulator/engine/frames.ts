import type { Finish, Progress } from "./request.ts";

/** SSE frames exactly as SGLang's encoders write them (entrypoints/openai/sse_utils.py, facts section 4). */
export interface FrameHead {
  id: string;
  created: number;
  model: string;
}

export const DONE = "data: [DONE]\n\n";

export function usageOf(progress: readonly Progress[], cacheReport: boolean) {
  const sum = (field: keyof Progress) => progress.reduce((total, one) => total + one[field], 0);
  // The prompt is shared by all choices and counted once.
  const prompt = progress[0]?.promptTokens ?? 0;
  const completion = sum("completionTokens");
  const reasoning = sum("reasoningTokens");
  return {
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
    prompt_tokens_details: cacheReport ? { cached_tokens: progress[0]?.cachedTokens ?? 0 } : null,
    reasoning_tokens: reasoning,
    completion_tokens_details: reasoning > 0 ? { reasoning_tokens: reasoning } : null,
  };
}

function chatFrame(
  head: FrameHead,
  index: number,
  delta: string,
  finish: string,
  matched: string,
  usage: unknown,
): string {
  const { id, created, model } = head;
  const tail = usage === undefined ? "" : `,"usage":${JSON.stringify(usage)}`;
  return (
    `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)},` +
    `"choices":[{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${finish},"matched_stop":${matched}}]${tail}}\n\n`
  );
}

export const chatRoleFrame = (head: FrameHead, index: number) =>
  chatFrame(head, index, '{"reasoning_content":null,"role":"assistant","content":""}', "null", "null", undefined);

export const chatContentFrame = (head: FrameHead, index: number, text: string, usage?: unknown) =>
  chatFrame(head, index, `{"reasoning_content":null,"content":${JSON.stringify(text)}}`, "null", "null", usage);

/** Content while a tool parser is active: pydantic's serializer, all keys present (serving_chat.py:1004). */
export function chatToolContentFrame(head: FrameHead, index: number, text: string, usage?: unknown): string {
  return pydanticFrame(head, index, { content: text, tool_calls: null }, usage);
}

/** A piece of a tool call: the first has its id and name, the later ones only arguments. */
export function chatToolCallFrame(
  head: FrameHead,
  index: number,
  { id, name, text }: CallPiece,
  usage?: unknown,
): string {
  const call = { id, index: 0, type: "function", function: { name, arguments: text } };
  return pydanticFrame(head, index, { content: null, tool_calls: [call] }, usage);
}

export interface CallPiece {
  id: string | null;
  name: string | null;
  text: string;
}

function pydanticFrame(
  head: FrameHead,
  index: number,
  { content, tool_calls }: { content: string | null; tool_calls: object[] | null },
  usage: unknown,
): string {
  const delta = { role: null, content, reasoning_content: null, tool_calls };
  const choice = { index, delta, logprobs: null, finish_reason: null, matched_stop: null };
  const { id, created, model } = head;
  return `data: ${JSON.stringify({ id, object: "chat.completion.chunk", created, model, choices: [choice], usage: usage ?? null })}\n\n`;
}

export const chatReasoningFrame = (head: FrameHead, index: number, text: string, usage?: unknown) =>
  chatFrame(head, index, `{"reasoning_content":${JSON.stringify(text)}}`, "null", "null", usage);

export const chatFinishFrame = (head: FrameHead, index: number, finish: Finish, called = false) =>
  chatFrame(
    head,
    index,
    '{"reasoning_content":null}',
    // A whole call turns `stop` into `tool_calls` (serving_chat.py).
    JSON.stringify(called && finish.type === "stop" ? "tool_calls" : finish.type),
    JSON.stringify(matchedOf(finish)),
    undefined,
  );

/** What stopped the text: a token id, a stop string or null. */
export function matchedOf(finish: Finish): string | number | null {
  return finish.type === "stop" ? finish.matched : null;
}

export function chatUsageFrame({ id, created, model }: FrameHead, usage: unknown): string {
  return `data: ${JSON.stringify({ id, object: "chat.completion.chunk", created, model, choices: [], usage })}\n\n`;
}

export function completionFrame(
  head: FrameHead,
  index: number,
  text: string,
  finish: Finish | null,
  usage: unknown,
): string {
  const { id, created, model } = head;
  const choice = {
    index,
    text,
    logprobs: null,
    finish_reason: finish?.type ?? null,
    matched_stop: finish === null ? null : matchedOf(finish),
  };
  return `data: ${JSON.stringify({ id, object: "text_completion", created, model, choices: [choice], usage: usage ?? null })}\n\n`;
}

export function completionUsageFrame({ id, created, model }: FrameHead, usage: unknown): string {
  return `data: ${JSON.stringify({ id, object: "text_completion", created, model, choices: [], usage })}\n\n`;
}

/** A scheduler's refusal inside a stream: the HTTP status stays 200 even when this is the first frame. */
export function errorFrame(message: string, status: 400 | 503): string {
  const type = status === 503 ? "SERVICE_UNAVAILABLE" : "BAD_REQUEST";
  return `data: ${JSON.stringify({ error: { object: "error", message, type, param: null, code: status } })}\n\n`;
}
