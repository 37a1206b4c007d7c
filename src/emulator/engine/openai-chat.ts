import { CALL_CLOSE, CALL_OPEN } from "../tokens.ts";
import * as frames from "./frames.ts";
import { type Choice, generate, newRid } from "./generation.ts";
import { HttpError } from "./http-error.ts";
import { type ChatPrompt, chatPrompt, mayCallTools } from "./prompt.ts";
import { type Parsed, ReasoningParser } from "./reasoning-parser.ts";
import type { Exchange } from "./routes.ts";
import { readSampling } from "./sampling.ts";
import { StreamWriter } from "./stream-writer.ts";
import { ToolParser } from "./tool-parser.ts";

export function usageOptions(body: Record<string, unknown>): { include: boolean; continuous: boolean } {
  const options = (body.stream_options ?? {}) as Record<string, unknown>;
  return { include: options.include_usage === true, continuous: options.continuous_usage_stats === true };
}

function parserFor(exchange: Exchange, prompt: ChatPrompt): ReasoningParser | null {
  if (exchange.settings.reasoningParser === null || exchange.body.separate_reasoning === false) return null;
  return new ReasoningParser(prompt.thinking, prompt.previousContent);
}

/** `POST /v1/chat/completions`. */
export function chatCompletions(exchange: Exchange): void {
  const { body, settings, scheduler } = exchange;
  const prompt = chatPrompt(settings, body);
  const sampling = readSampling(body, body, prompt.ids.length, settings);
  const head = {
    id: sampling.rid ?? newRid(),
    created: Math.floor(Date.now() / 1000),
    model: typeof body.model === "string" ? body.model : settings.servedName,
  };
  const usage = usageOptions(body);
  const streaming = body.stream === true;
  // With tools and a tool parser content goes through another serializer (facts 4.3).
  const tools = mayCallTools(settings, body)
    ? Array.from({ length: sampling.n }, () => new ToolParser())
    : ([] as ToolParser[]);
  const content = tools.length > 0 ? frames.chatToolContentFrame : frames.chatContentFrame;
  const parsers = Array.from({ length: sampling.n }, () => parserFor(exchange, prompt));
  const running = (choice: Choice) =>
    usage.continuous ? frames.usageOf([choice.progress], settings.cacheReport) : undefined;
  const writer = new StreamWriter(exchange.response);
  generate(scheduler, prompt, sampling, head.id, exchange, {
    onTokens: (choice, tokens, first) => {
      if (!streaming) return;
      let out = first ? frames.chatRoleFrame(head, choice.index) : "";
      const parser = parsers[choice.index] ?? null;
      const emit = ({ reasoning, normal }: Parsed) => {
        if (reasoning !== "") out += frames.chatReasoningFrame(head, choice.index, reasoning, running(choice));
        if (normal === "") return;
        const tool = tools[choice.index];
        const { content: text, call } = tool === undefined ? { content: normal, call: null } : tool.push(normal);
        if (text !== "") out += content(head, choice.index, text, running(choice));
        if (call !== null) out += frames.chatToolCallFrame(head, choice.index, call, running(choice));
      };
      for (const { text } of tokens) emit(parser === null ? { reasoning: "", normal: text } : parser.push(text));
      if (choice.finish !== null && choice.finish.type !== "abort" && parser !== null) emit(parser.end());
      writer.write(out);
    },
    onEnd: (choices, refusal) => {
      const total = frames.usageOf(
        choices.map((choice) => choice.progress),
        settings.cacheReport,
      );
      if (!streaming) {
        if (refusal !== null) return exchange.refuse(refusalError(refusal));
        return exchange.json(200, chatResponse(head, choices, parsers, tools, total));
      }
      let out = "";
      if (refusal !== null) out += frames.errorFrame(refusal.message, refusal.statusCode);
      else
        for (const { index, finish } of choices)
          if (finish !== null) out += frames.chatFinishFrame(head, index, finish, tools[index]?.called);
      if (usage.include) out += frames.chatUsageFrame(head, total);
      writer.end(out + frames.DONE);
    },
  });
}

/** Only a response that has not begun carries the status of a refusal. */
export function refusalError({ message, statusCode }: { message: string; statusCode: 400 | 503 }): HttpError {
  return new HttpError(statusCode, message, statusCode === 503 ? "503" : "400");
}

function chatResponse(
  head: frames.FrameHead,
  choices: readonly Choice[],
  parsers: readonly (ReasoningParser | null)[],
  tools: readonly ToolParser[],
  usage: unknown,
) {
  return {
    id: head.id,
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: choices.map(({ index, text, finish }) => {
      const parser = parsers[index] ?? null;
      const parts = parser === null ? [{ reasoning: "", normal: text }] : [parser.push(text), parser.end()];
      const reasoning = parts.map((part) => part.reasoning).join("");
      const normal = parts.map((part) => part.normal).join("");
      const called = tools[index] === undefined ? null : callsOf(tools[index], normal);
      return {
        index,
        message: {
          role: "assistant",
          content: called?.content ?? normal,
          reasoning_content: parser === null ? null : reasoning === "" ? null : reasoning,
          tool_calls: called?.calls ?? null,
        },
        logprobs: null,
        finish_reason: finish?.type === "stop" && called?.calls ? "tool_calls" : (finish?.type ?? null),
        matched_stop: finish === null ? null : frames.matchedOf(finish),
      };
    }),
    usage,
    metadata: { weight_version: "default" },
  };
}

/** Content and calls of a whole text; no call that does not end. */
function callsOf(parser: ToolParser, text: string): { content: string; calls: object[] | null } {
  const at = text.indexOf(CALL_OPEN);
  if (at < 0) return { content: text, calls: null };
  const end = text.indexOf(CALL_CLOSE, at);
  const open = parser.push(CALL_OPEN).call;
  parser.push(text.slice(at + CALL_OPEN.length, end < 0 ? undefined : end));
  if (end < 0) return { content: text.slice(0, at), calls: null };
  const call = {
    id: open?.id,
    index: 0,
    type: "function",
    function: { name: open?.name, arguments: parser.arguments },
  };
  return { content: text.slice(0, at), calls: [call] };
}
