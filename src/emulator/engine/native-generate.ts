import { type Choice, generate, newRid } from "./generation.ts";
import { logprobMeta, logprobQuestion } from "./logprobs.ts";
import { refusalError } from "./openai-chat.ts";
import { readInput } from "./openai-completions.ts";
import { rawPrompt } from "./prompt.ts";
import type { Exchange } from "./routes.ts";
import { readSampling } from "./sampling.ts";
import { StreamWriter } from "./stream-writer.ts";

/** SGLang's default of `sampling_params.max_new_tokens`. */
const DEFAULT_NEW_TOKENS = 128;

/** `POST /generate`: text or `input_ids` in, cumulative text and `output_ids` out. */
export function nativeGenerate(exchange: Exchange): void {
  const { body, settings, scheduler } = exchange;
  const prompt = rawPrompt(settings, readInput(body.text, body.input_ids));
  const params = (body.sampling_params ?? {}) as Record<string, unknown>;
  const sampling = readSampling({ max_new_tokens: DEFAULT_NEW_TOKENS, ...params }, body, prompt.ids.length, settings);
  const logprobs = logprobQuestion(body, prompt.ids.length);
  const rid = sampling.rid ?? newRid();
  const streaming = body.stream === true;
  // --incremental-streaming-output sends only what is new; the default repeats everything so far.
  const incremental = settings.args.incremental_streaming_output === true;
  const began = performance.now();
  const answer = (choice: Choice, text: string, ids: readonly number[]) => ({
    text,
    output_ids: ids,
    meta_info: {
      id: rid,
      finish_reason: choice.finish,
      prompt_tokens: choice.progress.promptTokens,
      weight_version: "default",
      completion_tokens: choice.progress.completionTokens,
      cached_tokens: choice.progress.cachedTokens,
      e2e_latency: (performance.now() - began) / 1000,
      ...(logprobs === null ? {} : logprobMeta(logprobs, prompt.ids, choice.ids)),
    },
    ...(sampling.n > 1 ? { index: choice.index } : {}),
  });
  const writer = new StreamWriter(exchange.response);
  generate(scheduler, prompt, { ...sampling, recomputeFrom: logprobs?.start ?? null }, rid, exchange, {
    onTokens: (choice, tokens) => {
      if (!streaming) return;
      const text = incremental ? tokens.map((token) => token.text).join("") : choice.text;
      const ids = incremental ? tokens.map((token) => token.id) : choice.ids;
      writer.write(`data: ${JSON.stringify(answer(choice, text, ids))}\n\n`);
    },
    onEnd: (choices, refusal) => {
      if (!streaming) {
        if (refusal !== null) return exchange.refuse(refusalError(refusal));
        const all = choices.map((choice) => answer(choice, choice.text, choice.ids));
        return exchange.json(200, sampling.n === 1 ? all[0] : all);
      }
      const error =
        refusal === null
          ? ""
          : `data: ${JSON.stringify({ error: { message: refusal.message, code: refusal.statusCode } })}\n\n`;
      writer.end(`${error}data: [DONE]\n\n`);
    },
  });
}
