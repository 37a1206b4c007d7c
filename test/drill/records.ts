import { emptyRecord, type Piece, type StreamRecord } from "../../src/drill/stream-record.ts";
import { expectedAnswer, type StreamRequest } from "../../src/drill/stream-request.ts";

export const chat: StreamRequest = {
  name: "stream-1-of-test",
  kind: "chat",
  prompt: "stream-1-of-test answer=6 rack fan",
  answerTokens: 6,
  reasoningTokens: 0,
  opensThink: false,
  maxTokens: 100,
};
export const thinking: StreamRequest = {
  ...chat,
  kind: "chat-thinking",
  prompt: "stream-2-of-test answer=5 reasoning=4 cable",
  answerTokens: 5,
  reasoningTokens: 4,
};
export const completion: StreamRequest = { ...chat, kind: "completion", prompt: "stream-3-of-test answer=6 lamp" };

/** What a right answer to `request` looks like at the client, one token every 20 ms from 1,000 ms on. */
export function perfectRecord(request: StreamRequest): StreamRecord {
  const { reasoning, answer, finishReason, completionTokens, usageReasoningTokens } = expectedAnswer(request);
  const promptTokens = Math.ceil(request.prompt.length / 4) + 3;
  const pieces = [
    ...reasoning.map((text) => ({ channel: "reasoning" as const, text })),
    ...answer.map((text) => ({ channel: "content" as const, text })),
  ].map((piece, at): Piece => ({ ...piece, atMs: 1000 + at * 20 }));
  const end = 1000 + pieces.length * 20;
  return {
    ...emptyRecord(request, 900),
    status: 200,
    pieces,
    ids: ["abc"],
    finishes: [{ atMs: end, reason: finishReason }],
    usages: [
      {
        promptTokens,
        completionTokens,
        totalTokens: promptTokens + completionTokens,
        reasoningTokens: usageReasoningTokens,
      },
    ],
    done: true,
    endedAtMs: end,
  };
}
