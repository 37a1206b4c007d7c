import { createHash } from "node:crypto";
import { z } from "zod";
import { RefusedRequest } from "../http/refused-request.ts";

export type RequestKind = "chat" | "completions";

/** A checked request of a client. */
export interface ClientRequest {
  kind: RequestKind;
  path: string;
  body: Record<string, unknown>;
  stream: boolean;
  wantsUsage: boolean;
  wantsRunningUsage: boolean;
  /** Texts that the answer has, of all prompts. */
  choices: number;
  maxTokens: number | null;
  /** Strings that end the answer. */
  stops: readonly string[];
  /** Of a completion: its one text. */
  prompt: string;
  /** Rough, until the engine says how many tokens the prompt has. */
  promptTokens: number;
  /** Why an answer of which a part was sent cannot be carried on; null if it can. */
  notContinued: string | null;
  /** The engine streams to the gateway, whatever the client asked for; off where a stream would lose something. */
  streamUpstream: boolean;
  fingerprint: string;
}

const part = z.looseObject({ type: z.string() });
const content = z.union([z.string(), z.array(part)]);
const message = z.discriminatedUnion("role", [
  z.looseObject({ role: z.enum(["system", "user", "developer", "tool", "function"]), content }),
  z.looseObject({
    role: z.literal("assistant"),
    content: content.nullish(),
    tool_calls: z.array(z.looseObject({})).nullish(),
  }),
]);
const common = {
  model: z.string().max(256).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  max_tokens: z.int().min(1).nullish(),
  min_tokens: z.int().min(0).nullish(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  n: z.int().min(1).max(128).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(64)]).nullish(),
  seed: z.int().nullish(),
  priority: z.int().nullish(),
  user: z.string().nullish(),
  ignore_eos: z.boolean().nullish(),
  // Ids belong to the gateway: two requests with one id would end each other.
  rid: z.never().optional(),
};
const Chat = z.looseObject({
  ...common,
  messages: z.array(message).min(1),
  max_completion_tokens: z.int().min(1).nullish(),
  continue_final_message: z.boolean().nullish(),
  separate_reasoning: z.boolean().nullish(),
  chat_template_kwargs: z.looseObject({}).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
});
const Completions = z.looseObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.int().min(0)).min(1), z.array(z.string()).min(1)]),
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  best_of: z.int().min(1).nullish(),
});

/** Checks a body against what SGLang takes; what it would answer with a 500, or hang on, is refused here. */
export function readClientRequest(kind: RequestKind, raw: unknown, model: string): ClientRequest {
  const result = (kind === "chat" ? Chat : Completions).safeParse(raw);
  if (!result.success) {
    const issue = result.error.issues[0];
    const where = issue?.path.map(String).join(".") ?? "";
    throw new RefusedRequest(400, `${where === "" ? "body" : where}: ${issue?.message ?? "not valid"}`, {
      param: where || null,
    });
  }
  const asked = result.data.model ?? model;
  if (asked !== model)
    throw new RefusedRequest(404, `there is no model ${asked}; this gateway serves ${model}`, {
      code: "model_not_found",
      param: "model",
    });
  const body = { ...result.data, model } as Record<string, unknown> &
    z.infer<typeof Chat> &
    z.infer<typeof Completions>;
  if (kind === "chat") assertContinuable(body);
  const stream = body.stream === true;
  // Each text of a list is answered by itself, and has a finish chunk of its own.
  const prompts = Array.isArray(body.prompt) && typeof body.prompt[0] === "string" ? body.prompt.length : 1;
  const choices = (body.n ?? 1) * prompts;
  const options = body.stream_options ?? {};
  // SGLang writes 16 tokens of a completion if nothing is said (OpenAI's own default).
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? (kind === "completions" ? 16 : null);
  const prompt = typeof body.prompt === "string" ? body.prompt : "";
  const notContinued = whyNotContinued(kind, body);
  const simple = notContinued === null && (body.tools ?? []).length === 0;
  return {
    kind,
    path: kind === "chat" ? "/v1/chat/completions" : "/v1/completions",
    body,
    stream,
    wantsUsage: options.include_usage === true,
    wantsRunningUsage: options.include_usage === true && options.continuous_usage_stats === true,
    choices,
    maxTokens,
    stops: [body.stop ?? []].flat(),
    prompt,
    promptTokens: Math.ceil(JSON.stringify(kind === "chat" ? body.messages : body.prompt).length / 4),
    notContinued,
    streamUpstream: stream || simple,
    fingerprint: fingerprintOf(body),
  };
}

function assertContinuable(body: z.infer<typeof Chat>): void {
  const last = body.messages.at(-1);
  if (body.continue_final_message === true && last?.role === "assistant" && typeof last.content !== "string")
    throw new RefusedRequest(400, "messages: continue_final_message needs text in the last message", {
      param: "messages",
    });
}

function whyNotContinued(kind: RequestKind, body: z.infer<typeof Chat> & z.infer<typeof Completions>): string | null {
  if ((body.n ?? 1) > 1 || (body.best_of ?? 1) > 1) return "it has several choices";
  if (body.logprobs !== undefined && body.logprobs !== null && body.logprobs !== false) return "it asks for logprobs";
  const constrained = ["regex", "ebnf", "json_schema", "structural_tag"].some(
    (name) => body[name] !== undefined && body[name] !== null,
  );
  if (constrained || (body.response_format && body.response_format.type !== "text"))
    return "its output is bound to a grammar";
  // Where such a stop begins nobody can say; of stop strings only those matter that the sent text may have begun.
  if ((body.stop_regex ?? null) !== null) return "its end is a pattern";
  // Token ids of a chat go past its template, and with it past the messages that would hold the text so far.
  const isText = kind === "chat" ? (body.input_ids ?? null) === null : typeof body.prompt === "string";
  if (!isText) return "its prompt is not one text";
  return null;
}

/** Of what the engine computes: the same text with the same lengths crashes the same way, whoever asks. */
function fingerprintOf(body: Record<string, unknown>): string {
  const { stream: _, stream_options: __, user: ___, ...rest } = body;
  return createHash("sha256").update(JSON.stringify(rest)).digest("hex").slice(0, 16);
}
