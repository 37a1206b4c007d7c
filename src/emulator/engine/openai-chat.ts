import * as frames from "./frames.ts";
import { type Choice, generate, newRid } from "./generation.ts";
import { HttpError } from "./http-error.ts";
import { type ChatPrompt, chatPrompt } from "./prompt.ts";
import { type Parsed, ReasoningParser } from "./reasoning-parser.ts";
import type { Exchange } from "./routes.ts";
import { readSampling } from "./sampling.ts";
import { StreamWriter } from "./stream-writer.ts";

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
  const tools =
    Array.isArray(body.tools) &&
    body.tools.length > 0 &&
    settings.args.tool_call_parser !== null &&
    body.tool_choice !== "none";
  const content = tools ? frames.chatToolContentFrame : frames.chatContentFrame;
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
        if (normal !== "") out += content(head, choice.index, normal, running(choice));
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
        return exchange.json(200, chatResponse(head, choices, parsers, total));
      }
      let out = "";
      if (refusal !== null) out += frames.errorFrame(refusal.message, refusal.statusCode);
      else
        for (const { index, finish } of choices)
          if (finish !== null) out += frames.chatFinishFrame(head, index, finish);
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
      return {
        index,
        message: {
          role: "assistant",
          content: parts.map((part) => part.normal).join(""),
          reasoning_content: parser === null ? null : reasoning === "" ? null : reasoning,
          tool_calls: null,
        },
        logprobs: null,
        finish_reason: finish?.type ?? null,
        matched_stop: finish === null ? null : frames.matchedOf(finish),
      };
    }),
    usage,
    metadata: { weight_version: "default" },
  };
}
