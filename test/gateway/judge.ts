import { expectedText } from "../../src/emulator/tokens.ts";
import { events, jsonOf } from "../emulator/server-process.ts";
import { ask } from "./gateway-fixture.ts";

/** One request, and what a client must have received at its end whatever happened meanwhile. */
export interface Case {
  kind: "chat" | "chat-whole" | "chat-raw" | "completions";
  prompt: string;
  answer: number;
  reasoning: number;
  /** 0 is no limit. */
  maxTokens: number;
  thinking: boolean;
}

/** Tokens of the whole answer: reasoning with its tags, answer, end of the sentence. */
function allTokens({ kind, answer, reasoning, thinking }: Case, opensThink: boolean): number {
  const thought = kind !== "completions" && thinking ? reasoning + 1 + (opensThink ? 1 : 0) : 0;
  return thought + answer + 1;
}

/** Sends the request and returns what is wrong with its answer; an empty list is a whole answer. */
export async function judge(url: string, one: Case, opensThink = false): Promise<string[]> {
  const message = `${one.prompt} answer=${one.answer} reasoning=${one.reasoning}`;
  const limit =
    one.maxTokens > 0 ? { max_tokens: one.maxTokens } : one.kind === "completions" ? { max_tokens: 100_000 } : {};
  const more = one.kind === "chat-raw" ? { separate_reasoning: false } : {};
  const common = { model: "deepseek-v3", stream: one.kind !== "chat-whole", ...limit, ...more };
  const usage = one.kind === "chat-whole" ? {} : { stream_options: { include_usage: true } };
  const kwargs = { chat_template_kwargs: { thinking: one.thinking } };
  const body =
    one.kind === "completions"
      ? { ...common, ...usage, prompt: message }
      : { ...common, ...usage, ...kwargs, messages: [{ role: "user", content: message }] };
  const response = await ask(url, one.kind === "completions" ? "/v1/completions" : "/v1/chat/completions", body);
  if (response.status !== 200) return [`status ${response.status}: ${await response.text()}`];
  const got = await (one.kind === "chat-whole" ? readWhole(response) : readStream(response));
  const thinks = one.kind !== "completions" && one.thinking;
  const answerTokens = wantedAnswer(one, thinks, opensThink);
  const reasoningTokens = thinks
    ? Math.min(one.reasoning, one.maxTokens > 0 ? Math.max(0, one.maxTokens - (opensThink ? 1 : 0)) : one.reasoning)
    : 0;
  const answer = expectedText(message, answerTokens.tokens);
  const reasoning = expectedText(message, reasoningTokens, "reasoning");
  const wrong: string[] = [];
  const same = (what: string, is: unknown, wanted: unknown) => {
    if (is !== wanted)
      wrong.push(`${what}: ${difference(String(is), String(wanted))} (${JSON.stringify(one).slice(0, 200)})`);
  };
  if (one.kind === "chat-raw" && thinks) {
    const closed = answerTokens.closed ? `</think>${answer}` : "";
    same("content", got.content, `${opensThink ? "<think>" : ""}${reasoning}${closed}`);
  } else {
    same("content", got.content, answer);
    same("reasoning", got.reasoning, reasoning);
  }
  const all = allTokens(one, opensThink);
  same("finish", got.finish, one.maxTokens > 0 && one.maxTokens < all ? "length" : "stop");
  same("done", got.done, true);
  same("ids", got.ids, 1);
  same(
    "completion tokens",
    Number(got.usage?.completion_tokens),
    one.maxTokens > 0 ? Math.min(all, one.maxTokens) : all,
  );
  return wrong;
}

/** Tokens of answer, and whether the reasoning was closed, when `max_tokens` may end it early. */
function wantedAnswer(one: Case, thinks: boolean, opensThink: boolean): { tokens: number; closed: boolean } {
  if (one.maxTokens === 0) return { tokens: one.answer, closed: true };
  const before = thinks ? one.reasoning + 1 + (opensThink ? 1 : 0) : 0;
  return { tokens: Math.max(0, Math.min(one.answer, one.maxTokens - before)), closed: one.maxTokens >= before };
}

async function readWhole(response: Response) {
  const body = await jsonOf(response);
  const { message, finish_reason: finish } = body.choices[0];
  return {
    content: message.content,
    reasoning: message.reasoning_content ?? "",
    finish,
    done: true,
    ids: 1,
    usage: body.usage,
  };
}

interface AnyChoice {
  delta?: { content?: string | null; reasoning_content?: string | null };
  text?: string;
  finish_reason: string | null;
}

async function readStream(response: Response) {
  const got = { content: "", reasoning: "", finish: null as string | null, done: false, ids: 0 };
  const ids = new Set<string>();
  let usage: Record<string, unknown> | undefined;
  for await (const data of events(response)) {
    if (data === "[DONE]") {
      got.done = true;
      continue;
    }
    const chunk = JSON.parse(data) as {
      id: string;
      choices?: AnyChoice[];
      usage?: Record<string, unknown>;
      error?: object;
    };
    if (chunk.error !== undefined) return { ...got, finish: JSON.stringify(chunk.error), usage };
    ids.add(chunk.id);
    usage = chunk.usage ?? usage;
    for (const { delta, text, finish_reason } of chunk.choices ?? []) {
      got.content += delta?.content ?? text ?? "";
      got.reasoning += delta?.reasoning_content ?? "";
      got.finish ??= finish_reason;
    }
  }
  return { ...got, ids: ids.size, usage };
}

function difference(is: string, wanted: string): string {
  let at = 0;
  while (at < Math.min(is.length, wanted.length) && is[at] === wanted[at]) at += 1;
  const show = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
  return `at ${at} of ${wanted.length}: got ${show(is)}, want ${show(wanted)}`;
}
