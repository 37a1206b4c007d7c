import type { ModelTraits } from "../model-traits.ts";
import type { ClientRequest } from "./client-request.ts";
import type { Sent } from "./leg-reader.ts";

/** What the client has of an answer. */
export interface Written extends Texts {
  completionTokens: number;
}
interface Texts {
  reasoning: string;
  content: string;
}

/**
 * The body that makes another engine go on after the last delivered character (SGLang serving_chat.py:513-575, 2101-2232):
 * the text so far becomes the last assistant message, and `continue_final_message` appends it raw to the prompt. The parser
 * starts inside the reasoning unless that text holds `</think>`, so the tag must be there exactly if content was written.
 */
export function continuationBody(
  request: ClientRequest,
  written: Written,
  model: ModelTraits,
): Record<string, unknown> {
  const limited = withinLength(request, written.completionTokens);
  if (request.kind === "completions") {
    return { ...limited, prompt: request.prompt + writtenText(request, written, model), echo: false };
  }
  const messages = [...(request.body.messages as Record<string, unknown>[])];
  const last = messages.at(-1);
  if (last?.role === "assistant") {
    if (request.body.continue_final_message === true) messages.pop();
    // Without the flag SGLang reads a trailing assistant message as the user's; it must not change its role now.
    else messages[messages.length - 1] = { ...last, role: "user" };
  }
  const content = textBefore(request) + writtenText(request, written, model);
  return { ...limited, messages: [...messages, { role: "assistant", content }], continue_final_message: true };
}

/** The body that makes an engine write what `sent` lacks: all of it, if that is nothing. */
export function remainingBody(
  request: ClientRequest,
  { frames, reasoning, content }: Sent,
  completionTokens: number,
  model: ModelTraits,
): Record<string, unknown> {
  if (frames === 0) return request.body;
  return continuationBody(request, { reasoning: reasoning.text, content: content.text, completionTokens }, model);
}

/** What the model has written of it: without an echo of the prompt, and with the tags that its parser takes out. */
export function writtenText(request: ClientRequest, written: Texts, model: ModelTraits): string {
  if (request.kind === "chat") return rawText(request, written, model, textBefore(request));
  return written.content.slice(request.body.echo === true ? request.prompt.length : 0);
}

/** What the client wrote itself of the last message. */
function textBefore({ body }: ClientRequest): string {
  const last = (body.messages as Record<string, unknown>[]).at(-1);
  const goesOn = last?.role === "assistant" && body.continue_final_message === true;
  return goesOn && typeof last.content === "string" ? last.content : "";
}

/** What is asked of an engine for leg number `legs` of stream `id`, whatever the client asked for. */
export function streamedBody(body: Record<string, unknown>, id: string, legs: number): Record<string, unknown> {
  return {
    ...body,
    stream: true,
    // A running count is the only way to know how many tokens were delivered when a stream breaks.
    stream_options: { include_usage: true, continuous_usage_stats: true },
    // An engine refuses an id that it still works on.
    rid: legs === 1 ? id : `${id}-${legs}`,
  };
}

/** What the model wrote, tags included: the parser strips those and nothing else. */
function rawText(request: ClientRequest, { reasoning, content }: Texts, model: ModelTraits, before: string): string {
  const thinks = model.parser !== null && request.body.separate_reasoning !== false && thinking(request, model);
  if (!thinks || before.includes("</think>")) return reasoning + content;
  const open = model.templateOpensThink || before !== "" ? "" : "<think>";
  return open + reasoning + (content === "" ? "" : `</think>${content}`);
}

function thinking(request: ClientRequest, model: ModelTraits): boolean {
  if (model.parser === "deepseek-r1") return true;
  const kwargs = request.body.chat_template_kwargs as { thinking?: unknown } | undefined;
  return kwargs?.thinking === true;
}

/** Tokens that may still be written; null is no limit. */
export function tokensLeft(request: ClientRequest, completionTokens: number): number | null {
  return request.maxTokens === null ? null : request.maxTokens - completionTokens;
}

function withinLength(request: ClientRequest, completionTokens: number): Record<string, unknown> {
  const left = tokensLeft(request, completionTokens);
  if (left === null) return request.body;
  const field =
    request.body.max_completion_tokens === undefined || request.body.max_completion_tokens === null
      ? "max_tokens"
      : "max_completion_tokens";
  const min =
    typeof request.body.min_tokens === "number"
      ? { min_tokens: Math.max(0, request.body.min_tokens - completionTokens) }
      : {};
  return { ...request.body, ...min, [field]: left };
}
