import {
  type AnswerShape,
  initialState,
  requestedLengths,
  splitRawPrompt,
  stateAfter,
  type TextState,
  tagOf,
} from "../tokens.ts";
import { HttpError } from "./http-error.ts";
import type { EngineSettings } from "./settings.ts";
import { decode, encode } from "./tokenizer.ts";

/** A prompt as the engine sees it, whichever endpoint it came in by. */
export interface Prompt {
  ids: number[];
  message: string;
  shape: AnswerShape;
  state: TextState;
}

interface ChatMessage {
  role: string;
  content: string | null;
}

type Settings = Pick<
  EngineSettings,
  "reasoningParser" | "templateOpensThink" | "servedName" | "modelPath" | "env" | "args"
>;

/** Whether the model may call tools, and a parser looks for it. */
export function mayCallTools({ args }: Pick<EngineSettings, "args">, body: Record<string, unknown>): boolean {
  const parsed = args.tool_call_parser !== null && args.tool_call_parser !== undefined;
  return parsed && Array.isArray(body.tools) && body.tools.length > 0 && body.tool_choice !== "none";
}

/** Whether this model reasons for a request, and whether its parser starts inside the reasoning (facts 5). */
export function thinks(settings: Settings, kwargs: Record<string, unknown>): boolean {
  if (settings.reasoningParser === "deepseek-r1") return true;
  if (settings.reasoningParser !== null) return kwargs.thinking === true;
  return /\br1\b/i.test(`${settings.servedName} ${settings.modelPath}`);
}

function shapeOf(settings: Settings, message: string, thinking: boolean, tools = false): AnswerShape {
  const wanted = requestedLengths(message);
  return {
    tag: tagOf(message),
    reasoning: thinking ? (wanted.reasoning ?? settings.env.reasoningTokens) : null,
    opensThink: thinking && !settings.templateOpensThink,
    answer: wanted.answer ?? settings.env.answerTokens,
    call: tools ? wanted.call : null,
  };
}

/** Reads `messages` of a chat request: content as text, or as a list of text parts. */
export function readMessages(raw: unknown): ChatMessage[] {
  if (!Array.isArray(raw)) throw new HttpError(400, "messages: Input should be a valid list");
  if (raw.length === 0) throw new HttpError(400, "Messages cannot be empty.", "BadRequestError");
  return raw.map((message: unknown, at) => {
    if (typeof message !== "object" || message === null)
      throw new HttpError(400, `messages.${at}: Input should be an object`);
    const { role, content } = message as { role?: unknown; content?: unknown };
    if (typeof role !== "string") throw new HttpError(400, `messages.${at}.role: Field required`);
    if (content === undefined || content === null) return { role, content: null };
    if (typeof content === "string") return { role, content };
    if (!Array.isArray(content)) throw new HttpError(400, `messages.${at}.content: Input should be a string or a list`);
    const parts = content.map((part) => {
      const text = (part as { type?: unknown; text?: unknown } | null)?.text;
      if (typeof text !== "string")
        throw new HttpError(400, `messages.${at}.content: only text parts are served by this model`);
      return text;
    });
    return { role, content: parts.join(" ") };
  });
}

/** DeepSeek's chat template, with the generation prompt of the checkpoint. */
export function renderTemplate(messages: readonly ChatMessage[], generation: string): string {
  let text = "<｜begin▁of▁sentence｜>";
  for (const { role, content } of messages) if (role === "system") text += content ?? "";
  for (const { role, content } of messages) {
    if (role === "assistant") text += `<｜Assistant｜>${(content ?? "").split("</think>").at(-1)}<｜end▁of▁sentence｜>`;
    else if (role !== "system") text += `<｜User｜>${content ?? ""}`;
  }
  return text + generation;
}

export interface ChatPrompt extends Prompt {
  /** Raw text of the popped last message; "" without `continue_final_message`. */
  previousContent: string;
  thinking: boolean;
}

/** Builds the prompt of a chat request (serving_chat.py:513-575, 2101-2232). */
export function chatPrompt(settings: Settings, body: Record<string, unknown>): ChatPrompt {
  const messages = readMessages(body.messages);
  const kwargs = (body.chat_template_kwargs ?? {}) as Record<string, unknown>;
  const thinking = thinks(settings, kwargs);
  const last = messages.at(-1) as ChatMessage;
  let previousContent = "";
  if (last.role === "assistant") {
    if (body.continue_final_message === true) {
      // The detector searches the content, and None is not text (facts 5: TypeError, HTTP 500).
      if (last.content === null && settings.reasoningParser !== null)
        throw new HttpError(
          500,
          "Internal server error: argument of type 'NoneType' is not iterable",
          "InternalServerError",
        );
      messages.pop();
      previousContent = last.content ?? "";
    } else last.role = "user";
  }
  const message = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const shape = shapeOf(settings, message, thinking, mayCallTools(settings, body));
  const open =
    thinking && settings.templateOpensThink
      ? "<think>\n"
      : settings.reasoningParser === "deepseek-v3" && !thinking
        ? "</think>"
        : "";
  const ids = encode(renderTemplate(messages, `<｜Assistant｜>${open}`));
  if (previousContent !== "") for (const id of encode(previousContent)) ids.push(id);
  const state = previousContent === "" ? initialState(shape) : stateAfter(shape, previousContent);
  return { ids, message, shape, state, previousContent, thinking };
}

/** Builds the prompt of a completion or of `/generate`: text or token ids, with any answer text already appended. */
export function rawPrompt(settings: Settings, input: string | readonly number[]): Prompt {
  const ids = typeof input === "string" ? encode(input) : [...input];
  const { message, prefix } = splitRawPrompt(typeof input === "string" ? input : decode(input));
  const shape = shapeOf(settings, message, false);
  if (/^(?:<think>)?[0-9a-f]{4}~/.test(prefix))
    shape.reasoning = requestedLengths(message).reasoning ?? settings.env.reasoningTokens;
  return { ids, message, shape, state: prefix === "" ? initialState(shape) : stateAfter(shape, prefix) };
}
