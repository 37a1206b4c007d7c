import { emptyRecord, type StreamRecord } from "../../src/drill/stream-record.ts";
import { expectedAnswer, type StreamRequest } from "../../src/drill/stream-request.ts";

export const FAULT_MS = 10_000;

export const request = (name: string): StreamRequest => ({
  name,
  kind: "chat",
  prompt: `${name} answer=10`,
  answerTokens: 10,
  reasoningTokens: 0,
  opensThink: false,
  maxTokens: 22,
});

/** A stream that wrote a token each 100 ms from 9,500 on, was silent from the fault for `gapMs`, and went on to the end. */
export function whole(name: string, gapMs: number, openedAtMs = 9_400): StreamRecord {
  const record = emptyRecord(request(name), openedAtMs);
  const expected = expectedAnswer(record.request);
  record.status = 200;
  record.ids.push("1");
  record.pieces = expected.answer.map((text, at) => {
    const planned = openedAtMs + 100 + 100 * at;
    return { atMs: planned > FAULT_MS ? planned + gapMs : planned, channel: "content", text };
  });
  const endedAtMs = record.pieces.at(-1)?.atMs ?? 0;
  record.finishes.push({ atMs: endedAtMs, reason: "stop" });
  const promptTokens = Math.ceil(record.request.prompt.length / 4);
  const { completionTokens } = expected;
  record.usages.push({
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    reasoningTokens: 0,
  });
  record.done = true;
  record.endedAtMs = endedAtMs;
  return record;
}

/** The same, ended in the middle with an error. */
export function broken(name: string, endedAtMs: number, text: string, openedAtMs = 9_400): StreamRecord {
  const record = whole(name, 0, openedAtMs);
  record.pieces = record.pieces.filter(({ atMs }) => atMs <= FAULT_MS);
  return { ...record, finishes: [], usages: [], done: false, endedAtMs, errors: [{ atMs: endedAtMs, text }] };
}
