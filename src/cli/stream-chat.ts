import { fetch } from "undici";
import { TandemError } from "../errors.ts";

export interface ChatChunk {
  content: string;
  reasoning: string;
  finishReason: string | null;
}

export interface ChatRequest {
  /** An OpenAI base URL, ending in `/v1`. */
  baseUrl: string;
  apiKey: string | undefined;
  model: string;
  prompt: string;
  maxTokens: number;
  signal?: AbortSignal;
}

interface RawChunk {
  error?: { message: string; code: number };
  choices?: { delta?: { content?: string | null; reasoning_content?: string | null }; finish_reason?: string | null }[];
}

/**
 * Streams one chat answer. Ends after the finish chunk; throws E_STREAM when the server refuses, sends an error frame
 * (SGLang refuses with HTTP 200 and an error as the first frame), or closes before the answer was finished.
 */
export async function* streamChat(request: ChatRequest): AsyncGenerator<ChatChunk> {
  const { baseUrl, apiKey, model, prompt, maxTokens, signal } = request;
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
    body: JSON.stringify({ model, stream: true, max_tokens: maxTokens, messages: [{ role: "user", content: prompt }] }),
    ...(signal ? { signal } : {}),
  });
  if (!response.ok || response.body === null) {
    throw streamError(`the server answered HTTP ${response.status}`, (await response.text()).slice(0, 300));
  }
  for await (const data of sseData(response.body)) {
    if (data === "[DONE]") break;
    const raw = JSON.parse(data) as RawChunk;
    if (raw.error) throw streamError("the engine refused the request", `${raw.error.message} (${raw.error.code})`);
    const choice = raw.choices?.[0];
    if (!choice) continue;
    const finishReason = choice.finish_reason ?? null;
    yield { content: choice.delta?.content ?? "", reasoning: choice.delta?.reasoning_content ?? "", finishReason };
    if (finishReason !== null) return;
  }
  throw streamError("the stream ended early", "no finish chunk came before the end");
}

/** The `data:` payloads of a server-sent event stream. Frames of one line each, as SGLang and the OpenAI API send them. */
async function* sseData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6).trimEnd();
  }
}

function streamError(what: string, why: string): TandemError {
  return new TandemError({
    code: "E_STREAM",
    what,
    why,
    fix: "look at the pods with `kubectl get pods -A`, then run the same command again",
  });
}
