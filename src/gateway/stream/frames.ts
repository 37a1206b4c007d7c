import { toBinary } from "../../stream/http/binary.ts";
import type { RequestKind } from "./client-request.ts";
import type { Usage } from "./usage.ts";

/** What all frames of one answer share. */
export interface FrameHead {
  id: string;
  created: number;
  model: string;
}

function frame(kind: RequestKind, { id, created, model }: FrameHead, fields: object): string {
  const object = kind === "chat" ? "chat.completion.chunk" : "text_completion";
  return `data: ${toBinary(JSON.stringify({ id, object, created, model, ...fields }))}\n\n`;
}

/** The finish chunk of an answer whose last allowed token was delivered before its group failed. */
export function lengthFrame(kind: RequestKind, head: FrameHead): string {
  const text = kind === "chat" ? { delta: { reasoning_content: null } } : { text: "" };
  return frame(kind, head, {
    choices: [{ index: 0, ...text, logprobs: null, finish_reason: "length", matched_stop: null }],
  });
}

export function usageFrame(kind: RequestKind, head: FrameHead, usage: Usage): string {
  return frame(kind, head, { choices: [], usage });
}

/** The sentence of an engine's refusal, in SGLang's flat shape or OpenAI's. */
export function messageOf(body: string): string | null {
  try {
    const value = JSON.parse(body) as { message?: unknown; error?: { message?: unknown } };
    const message = value.error?.message ?? value.message;
    return typeof message === "string" ? message : null;
  } catch {
    return null;
  }
}
