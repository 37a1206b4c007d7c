import { expect, test } from "vitest";
import { type RequestKind, readClientRequest } from "../../src/gateway/stream/client-request.ts";

const bodies: Record<RequestKind, object> = {
  chat: { messages: [{ role: "user", content: "hello" }] },
  completions: { prompt: "hello" },
};

test.each<[string, RequestKind, object, string | null]>([
  ["one text", "completions", {}, null],
  ["one chat, with a stop string", "chat", { stop: ["END"] }, null],
  ["several choices", "chat", { n: 2 }, "it has several choices"],
  ["log probabilities", "completions", { logprobs: 0 }, "it asks for logprobs"],
  ["a grammar", "chat", { regex: "a+" }, "its output is bound to a grammar"],
  ["several prompts", "completions", { prompt: ["a", "b"] }, "its prompt is not one text"],
  // The engine takes them in place of the messages, where the text so far would be.
  ["a chat of token ids", "chat", { input_ids: [1, 2, 3] }, "its prompt is not one text"],
  ["a chat of no token ids", "chat", { input_ids: null }, null],
])("whether an answer can be carried on: %s", (_name, kind, more, why) => {
  const request = readClientRequest(kind, { ...bodies[kind], ...more }, "deepseek-v3");
  expect(request.notContinued).toBe(why);
  expect(request.streamUpstream).toBe(why === null);
});
