import * as frames from "./frames.ts";
import { generate, newRid } from "./generation.ts";
import { HttpError } from "./http-error.ts";
import { refusalError, usageOptions } from "./openai-chat.ts";
import { rawPrompt } from "./prompt.ts";
import type { Exchange } from "./routes.ts";
import { readSampling } from "./sampling.ts";
import { StreamWriter } from "./stream-writer.ts";

/** SGLang's default for completions (OpenAI's own). */
const DEFAULT_MAX_TOKENS = 16;

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id));
}

/** A prompt of text or of token ids; lists of several prompts are not emulated. */
export function readInput(text: unknown, ids: unknown): string | number[] {
  if (typeof text === "string") return text;
  if (isIds(text)) return text;
  if (isIds(ids)) return ids;
  throw new HttpError(400, "prompt: want one text or one list of token ids (batches are not emulated)");
}

/** `POST /v1/completions`. */
export function completions(exchange: Exchange): void {
  const { body, settings, scheduler } = exchange;
  const input = readInput(body.prompt, undefined);
  const prompt = rawPrompt(settings, input);
  const sampling = readSampling({ max_tokens: DEFAULT_MAX_TOKENS, ...body }, body, prompt.ids.length, settings);
  const head = {
    id: sampling.rid ?? newRid(),
    created: Math.floor(Date.now() / 1000),
    model: typeof body.model === "string" ? body.model : settings.servedName,
  };
  const usage = usageOptions(body);
  const streaming = body.stream === true;
  const echo = body.echo === true && typeof input === "string" ? input : "";
  const writer = new StreamWriter(exchange.response);
  generate(scheduler, prompt, sampling, head.id, exchange, {
    onTokens: (choice, tokens, first) => {
      if (!streaming) return;
      const running = usage.continuous ? frames.usageOf([choice.progress], settings.cacheReport) : null;
      const texts = tokens.map((token) => token.text);
      if (texts.length === 0) texts.push("");
      let out = "";
      texts.forEach((text, at) => {
        const finish = at === texts.length - 1 ? choice.finish : null;
        out += frames.completionFrame(head, choice.index, (first && at === 0 ? echo : "") + text, finish, running);
      });
      writer.write(out);
    },
    onEnd: (choices, refusal) => {
      const total = frames.usageOf(
        choices.map((choice) => choice.progress),
        settings.cacheReport,
      );
      if (!streaming) {
        if (refusal !== null) return exchange.refuse(refusalError(refusal));
        return exchange.json(200, {
          id: head.id,
          object: "text_completion",
          created: head.created,
          model: head.model,
          choices: choices.map(({ index, text, finish }) => ({
            index,
            text: echo + text,
            logprobs: null,
            finish_reason: finish?.type ?? null,
            matched_stop: finish === null ? null : frames.matchedOf(finish),
          })),
          usage: total,
          metadata: { weight_version: "default" },
        });
      }
      let out = refusal === null ? "" : frames.errorFrame(refusal.message, refusal.statusCode);
      if (usage.include) out += frames.completionUsageFrame(head, total);
      writer.end(out + frames.DONE);
    },
  });
}
