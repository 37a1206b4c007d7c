import type { StreamRecord } from "./stream-record.ts";

interface Chunk {
  id?: unknown;
  error?: unknown;
  choices?: {
    text?: string | null;
    index?: number;
    delta?: {
      content?: string | null;
      reasoning_content?: string | null;
      tool_calls?: { id?: string | null; function?: { name?: string | null; arguments?: string | null } }[] | null;
    };
    finish_reason?: string | null;
  }[];
  usage?: Record<string, unknown> | null;
}

/** Enters one `data:` payload of a chat or completion stream into the record; what is no JSON is an error of the stream. */
export function readPayload(record: StreamRecord, data: string, atMs: number): void {
  if (record.done) {
    record.framesAfterDone++;
    return;
  }
  if (data === "[DONE]") {
    record.done = true;
    return;
  }
  let chunk: Chunk;
  try {
    chunk = JSON.parse(data) as Chunk;
  } catch {
    record.errors.push({ atMs, text: `no JSON: ${data.slice(0, 80)}` });
    return;
  }
  if (chunk.error !== undefined && chunk.error !== null) {
    record.errors.push({ atMs, text: JSON.stringify(chunk.error).slice(0, 300) });
    return;
  }
  if (typeof chunk.id === "string" && !record.ids.includes(chunk.id)) record.ids.push(chunk.id);
  for (const { index = 0, text, delta, finish_reason } of chunk.choices ?? []) {
    const choice = index === 0 ? {} : { choice: index };
    // Within a chunk reasoning comes first: a closing tag may split one piece of text into both.
    if (delta?.reasoning_content)
      record.pieces.push({ atMs, channel: "reasoning", text: delta.reasoning_content, ...choice });
    const content = delta?.content ?? text ?? "";
    if (content !== "") record.pieces.push({ atMs, channel: "content", text: content, ...choice });
    for (const { id, function: called } of delta?.tool_calls ?? []) {
      if (id) record.calls.push({ atMs, id, name: called?.name ?? "" });
      if (called?.arguments) record.pieces.push({ atMs, channel: "call", text: called.arguments, ...choice });
    }
    if (finish_reason !== null && finish_reason !== undefined)
      record.finishes.push({ atMs, reason: finish_reason, ...choice });
  }
  if (chunk.usage === null || chunk.usage === undefined) return;
  const number = (name: string): number => Number(chunk.usage?.[name] ?? 0);
  record.usages.push({
    promptTokens: number("prompt_tokens"),
    completionTokens: number("completion_tokens"),
    totalTokens: number("total_tokens"),
    reasoningTokens: number("reasoning_tokens"),
  });
}
